/** The hours of the day in which heartbeats take place. */
export interface ActiveHours {
  /** `HH:MM`, the first minute. */
  start?: string;
  /** `HH:MM`, the minute after the last one; `24:00` is the end of the day. */
  end?: string;
  /** An IANA zone, `local` for that of this machine, `user` (the default) for the owner's. */
  timezone?: string;
}

/**
 * True when a moment lies in the active hours; a window whose end comes before its start goes over midnight, one of no
 * width is never open, and without hours it is always open (docs: gateway/heartbeat, activeHours).
 */
export function isActive(hours: ActiveHours | undefined, userZone: string | undefined, now: number): boolean {
  if (hours === undefined) return true;
  const start = minutesOf(hours.start ?? "00:00");
  const end = minutesOf(hours.end ?? "24:00");
  if (start === null || end === null) return true;
  if (start === end) return false;
  const minute = minuteOfDay(now, hours.timezone ?? "user", userZone);
  return start < end ? minute >= start && minute < end : minute >= start || minute < end;
}

function minutesOf(text: string): number | null {
  const [, hour, minute] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  if (hour === undefined) return null;
  const total = Number(hour) * 60 + Number(minute);
  return total <= 1440 && Number(minute) < 60 ? total : null;
}

function minuteOfDay(now: number, wanted: string, userZone: string | undefined): number {
  const zones =
    wanted === "local" ? [undefined] : wanted === "user" ? [userZone, undefined] : [wanted, userZone, undefined];
  for (const timeZone of zones) {
    try {
      const format = new Intl.DateTimeFormat("en-GB", {
        hour: "2-digit",
        minute: "2-digit",
        hourCycle: "h23",
        timeZone,
      });
      const [hour = 0, minute = 0] = format.format(now).split(":").map(Number);
      return hour * 60 + minute;
    } catch {
      // A zone that does not exist: the next best one.
    }
  }
  return 0;
}
