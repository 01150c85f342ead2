/** The parser of shell texts, loaded when the first command has to be read. */
export { parse } from "unbash";
