/** What keeps a program from starting, lies outside its code, and is mended by no wait: told in one line. */
export abstract class StartRefused extends Error {}
