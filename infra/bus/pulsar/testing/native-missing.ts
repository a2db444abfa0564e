/** What is missing for a suite over the native client, as its line `skipped: …` says it; undefined where nothing is. */
export const nativeMissing: string | undefined = await import('pulsar-client').then(
  () => undefined,
  () => 'pulsar-client is not installed: .ci/pulsar-native builds it',
);
