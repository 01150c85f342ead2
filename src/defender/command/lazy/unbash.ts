/** The parser of shell texts, loaded when the first command has to be judged. */
export { parse } from "unbash";
