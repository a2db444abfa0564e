/** Pulsar's name of a topic of the manifest: `persistent://<tenant>/<owner>/<Contract>.v1`. The owner is the namespace. */
export const topicName = (tenant: string, topic: string): string => `persistent://${tenant}/${topic}`;

/**
 * Where a topic of the manifest stands in Pulsar's URLs: `persistent/<tenant>/<owner>/<Contract>.v1`. The owner is the
 * namespace.
 */
export const topicPath = (tenant: string, topic: string): string => {
  const [owner = '', local = ''] = topic.split('/');
  return `persistent/${[tenant, owner, local].map(encodeURIComponent).join('/')}`;
};
