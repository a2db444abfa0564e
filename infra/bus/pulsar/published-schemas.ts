import { catalog } from '@cordada/schemas';

const byTopic = new Map([...catalog].map(({ topic, schemas }) => [topic, schemas]));

/** Every published Avro schema of a topic's contract as JSON, the oldest first; none where it is no contract's. */
export const publishedSchemas = (topic: string): readonly string[] => byTopic.get(topic) ?? [];
