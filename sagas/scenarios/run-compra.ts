import type { BffClient } from './bff-client.ts';
import type { CompraScenario, Purchased, Wanted } from './compra-scenario.ts';
import { expectStatus, type Playable, play, poll, pollToRest, type ScenarioOptions } from './play.ts';
import { type Check, check, checkMessages, checkStream, type SagaView } from './saga-view.ts';
import type { Rule } from './scenario.ts';

/** The key of the open demo (systems.md, "Across all of them"). */
const key = { 'x-api-key': 'secret-key-123' };
const jsonApi = { ...key, 'content-type': 'application/vnd.api+json' };
const longest = { prefer: 'wait=60' };
const items = '/api/v1/inventory/items';

interface Product {
  readonly numero: string;
  readonly precio: number;
  readonly units: number;
}

/** A purchase as the BFF shows it, as far as a scenario looks at it. */
interface Compra {
  readonly id: string;
  readonly estado: string;
  readonly idOrden: string;
  readonly total?: number;
  readonly codigo?: string;
  readonly faltantes?: readonly unknown[];
}

/** A purchase that was asked for, and how its saga ended. */
interface Bought {
  readonly wanted: Wanted;
  readonly view: SagaView;
  readonly compra: Compra;
}

/**
 * A scenario of purchases: fills a shelf that nobody else buys from, lets all buyers buy at once, watches their sagas
 * to the end, then reads every service's resources back and compares.
 */
export const compraScenario = (scenario: CompraScenario): Playable => ({
  name: scenario.name,
  summary: scenario.summary,
  run(options) {
    const { bff, narrator } = options;
    const idUsuario = `cliente-${options.uuid()}`;
    return play(scenario.name, rulesOf(scenario, idUsuario), options, async ({ watched, note, ending }) => {
      const shelf: Product[] = [];
      for (const units of scenario.shelf) shelf.push(await product(units, shelf.length, options));
      const compras = await Promise.all(
        scenario.buyers.map((wanted) => request(wanted, shelf, idUsuario, options)),
      );
      ending.saga = compras[0] ?? '';
      const bought: Bought[] = [];
      for (const [index, id] of compras.entries()) {
        narrator.requested('POST /api/compras', id);
        watched.show(id);
        const view = await pollToRest('compra', id, options);
        ending.estado = view.estado;
        await watched.toRest(id);
        narrator.ended(view.estado);
        note(checkStream(watched.moves(id), view.estado));
        bought.push({ wanted: scenario.buyers[index] as Wanted, view, compra: await read(bff, id) });
      }
      const { undone } = scenario;
      if (undone)
        for (const one of bought.splice(0)) {
          const undo = await undoOf(one.compra.id, options, watched.show);
          await watched.toRest(undo.id);
          narrator.ended(undo.estado);
          note(check('the undo saga ended COMPLETED', undo.estado === 'COMPLETED', () => undo.estado));
          for (const said of checkMessages({ ...undone, compensations: [] }, contractsOf(undo))) note(said);
          note(checkStream(watched.moves(undo.id), 'COMPLETED'));
          bought.push({ ...one, compra: await read(bff, one.compra.id) });
        }
      for (const one of await checkPurchases(scenario, bought, shelf, options)) note(one);
      for (const one of await checkShelf(scenario, shelf, options)) note(one);
      note(await checkList(idUsuario, bought, bff));
    });
  },
});

const rulesOf = ({ limite }: CompraScenario, idUsuario: string): readonly Rule[] =>
  limite === undefined
    ? []
    : [
        {
          says: `an order of ${idUsuario} may come to ${limite}`,
          path: `/api/clientes/${idUsuario}`,
          set: { activo: true, limite },
          lift: { activo: true, limite: '1000000' },
        },
      ];

/** A product of its own, 10.25 the first, 20.50 the second, with so many units. */
const product = async (units: number, place: number, { bff, uuid }: ScenarioOptions): Promise<Product> => {
  const precio = 10.25 * (place + 1);
  const attributes = { nombre: `Producto ${uuid()}`, precio, descripcion: 'de un escenario' };
  const made = await bff.send(
    'POST',
    '/api/products',
    { data: { type: 'products', attributes } },
    { ...jsonApi, 'idempotency-key': uuid() },
  );
  expectStatus(made, 201);
  const numero = (made.json as { data: { id: string } }).data.id;
  if (units > 0)
    expectStatus(await bff.send('POST', `${items}/${numero}/adjust`, { quantity: units }, longest), 200);
  return { numero, precio, units };
};

const request = async (
  { lines, unknown, vence }: Wanted,
  shelf: readonly Product[],
  idUsuario: string,
  { bff, uuid }: ScenarioOptions,
): Promise<string> => {
  const productos = lines.map(([place, cantidad]) => ({ producto: shelf[place]?.numero ?? '', cantidad }));
  if (unknown) productos.push({ producto: `nadie-${uuid()}`, cantidad: 1 });
  const body = { idUsuario, productos, domicilio: 'Calle 26 # 7-11, Bogotá', ...(vence && { vence }) };
  const answer = await bff.send('POST', '/api/compras', body, { 'idempotency-key': uuid() });
  expectStatus(answer, 202);
  return (answer.json as { id: string }).id;
};

const undoOf = async (
  id: string,
  options: ScenarioOptions,
  show: (saga: string) => void,
): Promise<SagaView> => {
  const answer = await options.bff.send('DELETE', `/api/compras/${id}`);
  expectStatus(answer, 202);
  const saga = (answer.json as { id: string }).id;
  options.narrator.requested(`DELETE /api/compras/${id}`, saga);
  show(saga);
  return pollToRest('compra', saga, options);
};

const read = async (bff: BffClient, id: string): Promise<Compra> => {
  const answer = await bff.send('GET', `/api/compras/${id}`);
  expectStatus(answer, 200);
  return answer.json as Compra;
};

const contractsOf = ({ mensajes }: SagaView): string[] => mensajes.map(({ contrato }) => contrato);

/** What each purchase came to, in its own service, at ordenes and at consolidador. */
const checkPurchases = async (
  { expected }: CompraScenario,
  bought: readonly Bought[],
  shelf: readonly Product[],
  options: ScenarioOptions,
): Promise<Check[]> => {
  const checks: Check[] = [];
  const left = [...bought];
  for (const one of expected) {
    const place = left.findIndex(({ compra }) => compra.estado === one.estado);
    const [found] = place < 0 ? [] : left.splice(place, 1);
    checks.push(
      check(`gestor-compra: a purchase ended ${one.estado}`, found !== undefined, () =>
        bought.map(({ compra }) => compra.estado).join(', '),
      ),
    );
    if (found) checks.push(...(await checkPurchase(one, found, shelf, options)));
  }
  return checks;
};

const checkPurchase = async (
  expected: Purchased,
  { compra, view, wanted }: Bought,
  shelf: readonly Product[],
  options: ScenarioOptions,
): Promise<Check[]> => {
  const { bff } = options;
  const { codigo, faltantes, status, reserva } = expected;
  const order = await poll(options, async () => {
    const { json } = await bff.send('GET', `/api/ordenes/${compra.idOrden}`);
    const seen = json as { status?: string; total?: number | null; cliente?: string };
    return seen.status === status ? seen : undefined;
  });
  const { json } = await bff.send('GET', `/api/reservas?compra=${compra.id}`);
  const reservas = (json as { reservas: { estado: string }[] }).reservas.map(({ estado }) => estado);
  const validated = view.mensajes.some(({ contrato }) => contrato === 'InventarioValidado');
  const total = wanted.lines.reduce((sum, [place, units]) => sum + units * (shelf[place]?.precio ?? 0), 0);
  return [
    ...checkMessages({ ...expected, starts: 'IniciarCompra' }, contractsOf(view)),
    check('no step remains', view.restantes.length === 0, () => JSON.stringify(view.restantes)),
    check(
      `gestor-compra: it says why, ${codigo ?? 'nothing'}, with ${faltantes ?? 'no'} missing products`,
      compra.codigo === codigo && compra.faltantes?.length === faltantes,
      () => `${compra.codigo} ${JSON.stringify(compra.faltantes)}`,
    ),
    check(
      validated ? `gestor-compra: it comes to ${total}` : 'gestor-compra: it comes to nothing',
      compra.total === (validated ? total : undefined),
      () => String(compra.total),
    ),
    check(`ordenes: an order, ${status}`, order !== undefined, () => 'not so in time'),
    check(
      `consolidador: ${reserva ? `its reservation is ${reserva}` : 'it has no reservation'}`,
      reservas.join() === (reserva ?? ''),
      () => reservas.join(', ') || 'none',
    ),
  ];
};

/** consultas may show what was true a moment ago. */
const checkShelf = async (
  { left }: CompraScenario,
  shelf: readonly Product[],
  options: ScenarioOptions,
): Promise<Check[]> => {
  const checks: Check[] = [];
  for (const [place, { numero }] of shelf.entries()) {
    let last = '';
    const seen = await poll({ ...options, limitMs: Math.min(options.limitMs, 10_000) }, async () => {
      const { json, text } = await options.bff.send('GET', `${items}/${numero}/stock`);
      last = text;
      const { quantity, reserved } = (json ?? {}) as { quantity?: number; reserved?: number };
      return quantity === left[place] && reserved === 0 ? true : undefined;
    });
    checks.push(
      check(
        `consolidador: ${left[place]} of product ${numero} are left, none of them reserved`,
        seen === true,
        () => last,
      ),
    );
  }
  return checks;
};

const checkList = async (idUsuario: string, bought: readonly Bought[], bff: BffClient): Promise<Check> => {
  const { json } = await bff.send('GET', `/usuarios/${idUsuario}/compras`);
  const listed = Array.isArray(json) ? (json as Compra[]).map(({ id, estado }) => `${id} ${estado}`) : [];
  const wanted = bought.map(({ compra }) => `${compra.id} ${compra.estado}`);
  return check(
    'each of them reads the same in the list of its user',
    listed.length === wanted.length && wanted.every((one) => listed.includes(one)),
    () => listed.join(', ') || 'none',
  );
};
