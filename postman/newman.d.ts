/** The part of newman 6 that the collection's run uses; it ships no types. */
declare module 'newman' {
  export interface Execution {
    readonly item: { readonly name: string; parent(): { readonly name: string } | undefined };
    readonly assertions?: readonly {
      readonly assertion: string;
      readonly error?: Error;
      readonly skipped?: boolean;
    }[];
    readonly requestError?: Error;
    readonly prerequestScript?: readonly { readonly error?: Error }[];
    readonly testScript?: readonly { readonly error?: Error }[];
  }

  interface RunOptions {
    readonly collection: string;
    readonly environment?: string;
    readonly envVar: readonly { readonly key: string; readonly value: string }[];
    readonly folder?: readonly string[];
    readonly timeoutRequest: number;
  }

  const newman: {
    run(
      options: RunOptions,
      done: (
        error: Error | null,
        summary: { readonly run: { readonly executions: readonly Execution[] } },
      ) => void,
    ): unknown;
  };
  export default newman;
}
