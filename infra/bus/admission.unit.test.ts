import { catalog, contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_MESSAGE_BYTES, messageBytes, refusal } from './admission.ts';
import type { BusMessage } from './bus.ts';
import { defineManifest } from './manifest.ts';

const test = suite('what a message may be');

const manifest = defineManifest(catalog, []);
/** @param room bytes that the payload leaves for the rest */
const message = (room: number, key: string, value: string): BusMessage => ({
  topic: contracts.IniciarCampaign.topic,
  key,
  properties: { 'ce-id': value },
  payload: new Uint8Array(MAX_MESSAGE_BYTES - room),
});
const refused = (one: BusMessage): boolean => refusal(manifest, one, messageBytes(one)) !== undefined;

test('near the limit each byte of UTF-8 counts, in the key, in the names and in the values of properties', () => {
  assert.not.ok(refused(message(11, 'abc', 'def')));
  assert.ok(refused(message(10, 'abc', 'def')));
  assert.not.ok(refused(message(15, 'ñññ', '€')));
  assert.ok(refused(message(13, 'ñññ', '€')));
  const named = { ...message(9, 'k', 'v'), properties: { ñandú: 'v' } };
  assert.not.ok(refused(named));
  assert.ok(refused({ ...named, properties: { ñandú: 'vw' } }));
});

test.run();
