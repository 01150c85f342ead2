declare module "*.bin" {
  /** Where the file is at run time, also inside of the executable. */
  const path: string;
  export default path;
}
