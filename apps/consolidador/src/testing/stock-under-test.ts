import type { Delivery } from '@cordada/infra/bus/bus.ts';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import type { TestDatabase } from '@cordada/infra/database/testing/databases.ts';
import type { Outgoing } from '@cordada/infra/messaging/message.ts';
import { busMessage } from '@cordada/infra/messaging/wire.ts';
import type { Service } from '@cordada/infra/service/service.ts';
import { createRegistry } from '@cordada/infra/telemetry/metrics.ts';
import { testServiceDeps } from '@cordada/infra/testing/service-deps.ts';
import { type Contract, contracts } from '@cordada/schemas';
import * as assert from 'uvu/assert';
import { build, migrations } from '../service.ts';

/** Long enough for a loaded machine. */
const PATIENCE_MS = 60_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface StockOptions {
  /** Services that share the database and the work. */
  readonly replicas?: number;
  /** Settings other than the usual. */
  readonly env?: Readonly<Record<string, string>>;
}

export type StockUnderTest = Awaited<ReturnType<typeof serveStock>>;

/** The service on a database, and all that it answers over the bus. */
export const serveStock = async (
  { name, database, close }: TestDatabase,
  { replicas = 1, env = {} }: StockOptions = {},
) => {
  const deps = await testServiceDeps('consolidador', migrations, database, env);
  let services: Service[] = [];
  const start = async (): Promise<void> => {
    for (let i = 0; i < replicas; i += 1)
      services.push(await build({ ...deps, registry: createRegistry('consolidador') }));
    for (const service of services) await service.start();
  };
  const stop = async (): Promise<void> => {
    for (const service of services) await service.drain();
    for (const service of services) await service.stop();
    services = [];
  };
  await start();
  const seen: Delivery[] = [];
  const told = new Set<string | undefined>();
  const commands = manifest.subscriptions.get('consolidador')?.topics ?? [];
  // All who listen: on this bus a message stays in the outbox until each of them has it.
  for (const { name: subscription, topics } of manifest.subscriptions.values())
    if (subscription !== 'consolidador')
      await deps.bus.subscribe(
        { topics, subscription, mode: 'shared-by-key', maxBatch: 100 },
        async () => {},
      );
  const topics = [...manifest.topics.values()].filter(({ owner }) => owner === 'consolidador');
  await deps.bus.subscribe(
    { topics: topics.map((topic) => topic.name), subscription: 'test', mode: 'each-replica', maxBatch: 100 },
    async (batch) => {
      const fresh = batch.filter(
        ({ topic, properties }) => !told.has(properties['ce-id']) && !commands.includes(topic),
      );
      for (const { properties } of fresh) told.add(properties['ce-id']);
      seen.push(...fresh);
    },
  );

  const send = async (...messages: readonly Outgoing[]): Promise<void> => {
    const settled = await deps.bus.publish(messages.map((each) => busMessage(each, 'test', deps.runtime)));
    assert.ok(settled.every(({ status }) => status === 'durable'));
  };
  const of = <Body>(contract: Contract<Body>): Body[] =>
    seen.filter(({ topic }) => topic === contract.topic).map(({ payload }) => contract.decode(payload));
  const until = async (count: number): Promise<void> => {
    for (const end = Date.now() + PATIENCE_MS; seen.length < count && Date.now() < end; ) await pause(5);
    assert.is(seen.length, count, seen.map(({ topic }) => topic).join(', '));
  };
  const get = async (url: string) => {
    const { statusCode, body } = await (services[0] as Service).app.inject({
      method: 'GET',
      url,
      headers: { authorization: `Bearer ${deps.tokens.sign('bff', 'consolidador')}` },
    });
    return { statusCode, body: JSON.parse(body) };
  };

  let numero = 0;
  /** That of several, as many as `count`, have come of a contract. */
  const untilTold = async (contract: Contract<unknown>, count: number): Promise<void> => {
    for (const end = Date.now() + PATIENCE_MS; of(contract).length < count && Date.now() < end; )
      await pause(5);
    assert.is(of(contract).length, count, contract.name);
  };
  /** A new item with a price, and nothing seen yet. */
  const item = async (cantidad: number, precio: string | null = '10.00') => {
    numero += 1;
    const id = deps.runtime.uuid();
    const operation = deps.runtime.uuid();
    const before = seen.length;
    const command = {
      contract: contracts.CrearItem,
      body: {
        id_item: id,
        numero,
        sku: `P-${numero}`,
        nombre: `Producto ${numero}`,
        descripcion: null,
        precio,
        cantidad,
      },
      correlationId: operation,
      subject: id,
      idempotencyKey: operation,
    };
    await send(command);
    await until(before + 1);
    seen.length = 0;
    return { id, numero, operation, command };
  };
  /** A command about an item that is nobody's step. */
  const direct = <Body extends { readonly id_item: string }>(
    contract: Contract<Body>,
    body: Body,
  ): Outgoing => {
    const operation = deps.runtime.uuid();
    return {
      contract: contract as Contract<unknown>,
      body,
      correlationId: operation,
      key: body.id_item,
      subject: body.id_item,
      idempotencyKey: operation,
    };
  };
  const step = <Body>(contract: Contract<Body>, saga: string, name: string, body: Body): Outgoing => ({
    contract: contract as Contract<unknown>,
    body,
    correlationId: saga,
    subject: 'id_reserva' in (body as object) ? (body as { id_reserva: string }).id_reserva : saga,
    idempotencyKey: `${saga}/${name}/0`,
  });
  const buyer = (lineas: readonly { readonly id_item: string; readonly cantidad: number }[]) => {
    const saga = deps.runtime.uuid();
    const reserva = deps.runtime.uuid();
    const ids = { id_reserva: reserva, id_compra: saga };
    return {
      saga,
      reserva,
      reservar: step(contracts.ReservarInventario, saga, 'reserva', { ...ids, lineas, vence: null }),
      liberar: step(contracts.LiberarInventario, saga, 'reserva', { id_reserva: reserva, motivo: 'no' }),
      confirmar: step(contracts.ConfirmarReserva, saga, 'confirmacion', { ...ids, id_orden: saga }),
      validar: step(contracts.ValidarInventario, saga, 'validacion', {
        id_compra: saga,
        lineas: lineas.map(({ id_item, cantidad }) => ({ producto: id_item, cantidad })),
      }),
      devolver: step(contracts.DevolverInventario, saga, 'devolucion', ids),
    };
  };

  return {
    name,
    database,
    deps,
    seen,
    send,
    of,
    until,
    untilTold,
    get,
    item,
    direct,
    step,
    buyer,
    start,
    stop,
    async close() {
      await stop();
      await deps.close();
      await close();
    },
  };
};
