import { type Contract, ContractError } from '@cordada/schemas';

/** A contract of JSON bodies, for definitions that only a test knows. */
export const jsonContract = <Body>(name: string, owner = 'test'): Contract<Body> => ({
  name,
  owner,
  version: '1.0',
  topic: `${owner}/${name}.v1`,
  fingerprint: '0000000000000000',
  schemas: [],
  encode: (body) => Buffer.from(JSON.stringify(body)),
  decode(payload) {
    try {
      return JSON.parse(Buffer.from(payload).toString()) as Body;
    } catch (cause) {
      throw new ContractError(`${name} is not JSON`, { cause });
    }
  },
});
