/**
 * Every statement of ours that is in a hurry has an index. A plan that is cached while a table is young and empty
 * would be a scan of the whole table or index, and stay one until the table is next analysed (on PGlite: for ever):
 * that halved the throughput each minute. So plans are kept on looking each row up in its index.
 */
export const plannerSettings = [
  'enable_seqscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
  'jit=off',
] as const;
