// The package is optional: where it is absent its own types are too, so the types of what we use are ours (client.ts).
declare module 'pulsar-client';
