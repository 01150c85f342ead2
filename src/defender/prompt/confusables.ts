/** Letters that look like a Latin one, by the script they are taken from: the look-alike and what it looks like, in turn. */
const CYRILLIC = "аaвbеeкkмmнhоoрpсcтtуyхxѕsіiјjһhԁdԛqԝwгrпnАAВBЕEКKМMНHОOРPСCТTУYХXЅSІIЈJԌGԚQԜWѴVІI";
const GREEK = "αaβbγyεeηnιiκkνvοoρpτtυuχxωwΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧX";
const ARMENIAN = "օoսuհhոnցgԼLՕOՏSՍU";
/** Letters of phonetic alphabets and small capitals: nobody writes words of a living language with them. */
const STYLED = "ɑaɡgıiɩiᴀaʙbᴄcᴅdᴇeꜰfɢgʜhɪiᴊjᴋkʟlᴍmɴnᴏoᴘpʀrꜱsᴛtᴜuᴠvᴡwʏyᴢz";

const pairs = (table: string): [string, string][] => {
  const letters = [...table];
  return letters.flatMap((letter, i): [string, string][] => (i % 2 === 0 ? [[letter, letters[i + 1]!]] : []));
};

/** What a letter of another script can pass for inside a Latin word. */
export const LOOKALIKES: ReadonlyMap<string, string> = new Map(pairs(CYRILLIC + GREEK + ARMENIAN));

/** Styled letters and the plain ones they stand for. */
export const STYLED_LETTERS: ReadonlyMap<string, string> = new Map(pairs(STYLED));
