/** Who sends a message, as far as turns and commands need to know. */
export interface Sender {
  /** What the connection says of itself; never a ground for authority. */
  client: { id: string; mode: string };
  /** Present when the connection proved a device identity. */
  deviceId?: string;
  /** Who may stop what this sender started, beside administrators: its device, else its connection. */
  owner: string;
  /** Its connection, which is told of the tools that its runs use. */
  connId?: string;
  /** True when the connection holds the scope. */
  may(scope: string): boolean;
}
