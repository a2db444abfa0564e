export declare const bundleOf: (root: string, program: string) => Promise<string>;
export declare const bundlesOf: (
  root: string,
  programs: readonly string[],
  folder: string,
) => Promise<(program: string) => string>;
