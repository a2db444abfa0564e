import { centsOf } from '@cordada/infra/cents.ts';
import { type Instance, isEnded } from '@cordada/sagas/engine/instance.ts';
import { entityId } from '@cordada/sagas/engine/turn.ts';
import type { Bought, ItemWas } from './bought.ts';
import { type Breach, entriesOf, type Invariant, wasOverruled } from './invariant.ts';
import type { Observation } from './observation.ts';
import type { Accepted, RuleSet, Shown } from './purchases.ts';

/** A promise about what is bought: asked only where purchases ran. */
const aboutPurchases = (
  sentence: string,
  broken: (bought: Bought, seen: Observation) => readonly Breach[],
): Invariant => ({
  sentence,
  broken: (seen) => (seen.bought ? broken(seen.bought, seen) : []),
});

/** How a purchase's saga ended, and the one that undid it. */
interface Fate {
  readonly saga: Instance;
  readonly fin: 'bought' | 'refused' | 'undone';
}

/** Whether the command that began it could be handled: else there is nothing that somebody wanted to buy. */
const wasUnderstood = ({ state }: Instance): boolean => state.items.length > 0;

/** The purchases that have ended, but those of which an operator said how. */
const fatesOf = (seen: Observation): readonly Fate[] =>
  seen.sagas.flatMap((saga): Fate[] => {
    const undos = seen.sagas.filter(({ origin }) => origin.deshace === saga.id);
    if (saga.tipo !== 'compra' || saga.origin.deshace !== null || !wasUnderstood(saga)) return [];
    if (wasOverruled(seen, saga)) return [];
    if (![saga, ...undos].every(({ status }) => isEnded(status))) return [];
    if (saga.status !== 'COMPLETED') return [{ saga, fin: 'refused' }];
    return [{ saga, fin: undos.some(({ status }) => status === 'COMPLETED') ? 'undone' : 'bought' }];
  });

const sum = (numbers: Iterable<number>): number => {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
};

/** Units by item, in a form that can be compared. */
const unitsOf = (lines: readonly { readonly item: string; readonly units: number }[]): string => {
  const units = new Map<string, number>();
  for (const line of lines) units.set(line.item, (units.get(line.item) ?? 0) + line.units);
  return [...units]
    .filter(([, count]) => count !== 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([item, count]) => `${count} of ${item}`)
    .join(', ');
};

const costOf = (lines: readonly { readonly cantidad: number; readonly precio: string | null }[]): bigint =>
  lines.reduce((cents, { cantidad, precio }) => cents + centsOf(precio ?? '0.00') * BigInt(cantidad), 0n);

/** What the ledger moved for a purchase, by kind. */
const movedFor = ({ movimientos }: Bought, saga: string, tipo: string) =>
  movimientos.filter((one) => one.reserva === entityId(saga, 'reserva', 0) && one.tipo === tipo);

/** How long after its time is over a reservation by hand may still be seen to, in milliseconds. */
const SWEPT_WITHIN_MS = 10_000;
/** Between the instant at which something was decided and the one at which it was seen or read, in milliseconds. */
const SLACK_MS = 3_000;
const ANSWERED_WITHIN_MS = 50;

export const purchaseInvariants: readonly Invariant[] = [
  aboutPurchases('every quantity is the fold of its movements, and never below zero on the way', (bought) => {
    const folded = new Map<string, { cantidad: number; reservada: number }>();
    const breaches: Breach[] = [];
    for (const { item, bodega, deltaCantidad, deltaReservada, tipo, origen } of bought.movimientos) {
      const key = `${item}/${bodega}`;
      const before = folded.get(key) ?? { cantidad: 0, reservada: 0 };
      const after = {
        cantidad: before.cantidad + deltaCantidad,
        reservada: before.reservada + deltaReservada,
      };
      folded.set(key, after);
      if (after.reservada < 0 || after.reservada > after.cantidad)
        breaches.push({
          what: `${tipo} of ${origen} leaves ${key} with ${after.cantidad}/${after.reservada}`,
        });
    }
    for (const { id, cantidad, reservada } of bought.existencias) {
      const fold = folded.get(id) ?? { cantidad: 0, reservada: 0 };
      folded.delete(id);
      if (fold.cantidad !== cantidad || fold.reservada !== reservada)
        breaches.push({
          what: `${id} has ${cantidad}/${reservada}, its movements say ${fold.cantidad}/${fold.reservada}`,
        });
    }
    for (const [key, { cantidad, reservada }] of folded)
      if (cantidad !== 0 || reservada !== 0) breaches.push({ what: `${key} has movements and no row` });
    return breaches;
  }),
  aboutPurchases("an item's totals are the sums of its warehouses", ({ items, existencias }) =>
    items.flatMap(({ id, cantidad, reservada }) => {
      const own = existencias.filter(({ item }) => item === id);
      const sums = [sum(own.map((one) => one.cantidad)), sum(own.map((one) => one.reservada))];
      return sums[0] === cantidad && sums[1] === reservada
        ? []
        : [{ what: `${id} has ${cantidad}/${reservada}, its warehouses ${sums[0]}/${sums[1]}` }];
    }),
  ),
  aboutPurchases('at no instant is more reserved or sold than there is', ({ history }) =>
    history
      .filter(({ cantidad, reservada }) => reservada < 0 || reservada > cantidad)
      .map(({ id, version, cantidad, reservada }) => ({
        what: `${id} version ${version}: ${cantidad}/${reservada}`,
      })),
  ),
  aboutPurchases('units are conserved: what came in is on hand or sold', ({ items, movimientos, reservas }) =>
    items.flatMap(({ id, cantidad }) => {
      const moved = movimientos.filter(({ item }) => item === id);
      const came = sum(
        moved.filter(({ tipo }) => tipo === 'ALTA' || tipo === 'AJUSTE').map((one) => one.deltaCantidad),
      );
      const sold = sum(
        reservas
          .filter(({ estado }) => estado === 'CONFIRMADA')
          .flatMap(({ lineas }) => lineas)
          .filter(({ item }) => item === id)
          .map((linea) => linea.cantidad),
      );
      return came === cantidad + sold
        ? []
        : [{ what: `${id}: ${came} came in, ${cantidad} are on hand and ${sold} sold` }];
    }),
  ),
  aboutPurchases('what is reserved is the sum of the live reservations', ({ items, reservas }) =>
    items.flatMap(({ id, reservada }) => {
      const live = reservas.filter(({ estado }) => estado === 'VIGENTE').flatMap(({ lineas }) => lineas);
      const held = sum(live.filter(({ item }) => item === id).map((linea) => linea.cantidad));
      return held === reservada
        ? []
        : [{ what: `${id}: ${reservada} reserved, its reservations hold ${held}` }];
    }),
  ),
  aboutPurchases('no reservation outlives its purchase, or by hand its time', ({ reservas, ended }, seen) => {
    const over = new Set(fatesOf(seen).map(({ saga }) => saga.id));
    const sagas = new Set(seen.sagas.map(({ id }) => id));
    return reservas
      .filter(({ estado }) => estado === 'VIGENTE')
      .filter(({ compra, vence }) =>
        compra === null ? vence.getTime() + SWEPT_WITHIN_MS < ended : over.has(compra) || !sagas.has(compra),
      )
      .map(({ id, compra, vence }) => ({
        ...(compra !== null && { saga: compra }),
        what: `reservation ${id}, good until ${vence.toISOString()}, lives on`,
      }));
  }),
  aboutPurchases('no item is gone while anything of it is reserved', ({ items, reservas }) =>
    items.flatMap(({ id, eliminado }) => {
      if (eliminado === null) return [];
      return reservas
        .filter(({ lineas }) => lineas.some(({ item }) => item === id))
        .filter(
          ({ estado, creada, actualizada }) =>
            creada < eliminado &&
            (estado === 'VIGENTE' || (estado !== 'DEVUELTA' && actualizada > eliminado)),
        )
        .map((reserva) => ({ what: `${id} was deleted while ${reserva.id} (${reserva.estado}) lived` }));
    }),
  ),
  aboutPurchases('nothing is sold twice, nor comes back twice', (bought) =>
    bought.reservas.flatMap(({ id, compra, lineas, estado }) => {
      const rows = bought.movimientos.filter(({ reserva }) => reserva === id);
      const unitsIn = (tipo: string) =>
        unitsOf(
          rows
            .filter((row) => row.tipo === tipo)
            .map((row) => ({ item: row.item, units: row.deltaCantidad })),
        );
      const wanted = (sign: number) =>
        unitsOf(lineas.map(({ item, cantidad }) => ({ item, units: sign * cantidad })));
      const sold = estado === 'CONFIRMADA' || estado === 'DEVUELTA' ? wanted(-1) : '';
      const back = estado === 'DEVUELTA' ? wanted(1) : '';
      return [
        { what: 'sold', is: unitsIn('VENTA'), wants: sold },
        { what: 'given back', is: unitsIn('DEVOLUCION'), wants: back },
      ]
        .filter(({ is, wants }) => is !== wants)
        .map(({ what, is, wants }) => ({
          ...(compra !== null && { saga: compra }),
          what: `of reservation ${id} (${estado}) is ${what}: ${is}; should be: ${wants}`,
        }));
    }),
  ),
  aboutPurchases('purchase, order and reservation end as their saga did', (bought, seen) =>
    fatesOf(seen).flatMap(({ saga, fin }) => {
      const compra = bought.compras.find(({ id }) => id === saga.id);
      const orden = bought.ordenes.find(({ id }) => id === entityId(saga.id, 'orden', 0));
      const reserva = bought.reservas.find(({ id }) => id === entityId(saga.id, 'reserva', 0));
      const is = {
        compra: compra?.estado,
        orden: orden?.estado,
        reserva: reserva?.estado,
      };
      const may: Record<keyof typeof is, readonly unknown[]> = {
        bought: {
          compra: ['CONFIRMADA'],
          orden: ['CONFIRMED', 'IN_TRANSIT'],
          reserva: ['CONFIRMADA'],
        },
        undone: { compra: ['RECHAZADA'], orden: ['CANCELLED'], reserva: ['DEVUELTA'] },
        refused: { compra: ['RECHAZADA'], orden: ['REJECTED'], reserva: [undefined, 'LIBERADA'] },
      }[fin];
      return (Object.keys(may) as (keyof typeof is)[])
        .filter((what) => !may[what].includes(is[what]))
        .map((what) => ({ saga: saga.id, what: `was ${fin}, and its ${what} is ${is[what]}` }));
    }),
  ),
  aboutPurchases('lines and totals agree between purchase, order, reservation and ledger', (bought, seen) =>
    fatesOf(seen).flatMap(({ saga, fin }) => {
      if (fin === 'refused') return [];
      const compra = bought.compras.find(({ id }) => id === saga.id);
      const orden = bought.ordenes.find(({ id }) => id === entityId(saga.id, 'orden', 0));
      const reserva = bought.reservas.find(({ id }) => id === entityId(saga.id, 'reserva', 0));
      const lineas = bought.lineas.filter((linea) => linea.orden === orden?.id);
      const pedido = bought.plan.compras.find((one) => one.saga === saga.id)?.lineas ?? [];
      const units = {
        compra: unitsOf((compra?.lineas ?? []).map((one) => ({ item: one.id_item, units: one.cantidad }))),
        orden: unitsOf(lineas.map(({ idItem, cantidad }) => ({ item: idItem ?? '', units: cantidad }))),
        reserva: unitsOf((reserva?.lineas ?? []).map(({ item, cantidad }) => ({ item, units: cantidad }))),
        venta: unitsOf(
          movedFor(bought, saga.id, 'VENTA').map((row) => ({ item: row.item, units: -row.deltaCantidad })),
        ),
      };
      const totals = {
        compra: centsOf(compra?.total ?? '0.00'),
        orden: centsOf(orden?.total ?? '0.00'),
        'its lines': costOf(
          (compra?.lineas ?? []).map(({ cantidad, precio_unitario: precio }) => ({ cantidad, precio })),
        ),
        'the lines of its order': costOf(
          lineas.map(({ cantidad, precioUnitario: precio }) => ({ cantidad, precio })),
        ),
      };
      const wanted = sum(pedido.map(({ cantidad }) => cantidad));
      const got = sum((compra?.lineas ?? []).map(({ cantidad }) => cantidad));
      return [
        ...disagreement(saga.id, units),
        ...disagreement(saga.id, totals),
        ...(wanted === got ? [] : [{ saga: saga.id, what: `${wanted} units were asked for, ${got} bought` }]),
      ];
    }),
  ),
  aboutPurchases('what is bought costs what it cost when it was validated', (bought, seen) =>
    fatesOf(seen).flatMap(({ saga }) => {
      const compra = bought.compras.find(({ id }) => id === saga.id);
      return (compra?.lineas ?? []).flatMap(({ id_item, precio_unitario }) => {
        const name = bought.items.find(({ id }) => id === id_item)?.nombre ?? '';
        const prices = [
          ...bought.plan.items.filter((item) => item.name === name).map(({ precio }) => precio),
          ...bought.plan.prices.filter(({ item }) => item === name).map(({ precio }) => precio),
        ];
        return prices.includes(precio_unitario)
          ? []
          : [
              {
                saga: saga.id,
                what: `${name} cost ${precio_unitario}, and never did (${prices.join(', ')})`,
              },
            ];
      });
    }),
  ),
  aboutPurchases('an order keeps to the rules of its customer', (bought) =>
    bought.ordenes.flatMap(({ id, compra, cliente, total, estado, creada }) => {
      if (total === null || estado === 'REJECTED') return [];
      const at = creada.getTime() - bought.began;
      const rules = rulesAt(bought.asked.rules, cliente, at);
      return rules.some(({ activo, limite }) => activo && centsOf(total) <= centsOf(limite))
        ? []
        : [
            {
              saga: compra,
              what: `order ${id} of ${cliente} over ${total} was made at ${at} under ${rules
                .map(({ activo, limite }) => `${activo} ${limite}`)
                .join(' or ')}`,
            },
          ];
    }),
  ),
  aboutPurchases("a purchase is over a customer's limit only where there is such a limit", (bought) =>
    bought.compras.flatMap(({ id, codigo, total }) => {
      if (codigo !== 'LIMITE_EXCEDIDO') return [];
      const buyer = bought.plan.compras.find(({ saga }) => saga === id)?.buyer;
      const own = bought.plan.customers.filter((rule) => rule.id === buyer);
      const limits = ['1000000.00', ...own.map(({ limite }) => limite)];
      return limits.some((limite) => centsOf(total ?? '0.00') > centsOf(limite))
        ? []
        : [{ saga: id, what: `over ${total} is refused, and the limits were ${limits.join(', ')}` }];
    }),
  ),
  aboutPurchases('a purchase is refused for what is short only where something is', ({ compras }) =>
    compras
      .filter(({ codigo }) => codigo === 'INVENTARIO_INSUFICIENTE')
      .filter(({ faltantes }) => !faltantes?.length || faltantes.some((one) => one.disponible >= one.pedido))
      .map(({ id, faltantes }) => ({ saga: id, what: `is refused for ${JSON.stringify(faltantes)}` })),
  ),
  aboutPurchases('everyone hears how a purchase ended', (_, seen) => {
    const told = new Set(seen.published.map(({ contract, subject }) => `${contract} ${subject}`));
    return seen.sagas
      .filter(({ tipo, origin, status }) => tipo === 'compra' && origin.deshace === null && isEnded(status))
      .filter(wasUnderstood)
      .flatMap(({ id, status }) => {
        const announced = `${status === 'COMPLETED' ? 'CompraConfirmada' : 'CompraRechazada'} ${id}`;
        return told.has(announced) ? [] : [{ saga: id, what: `${announced} was never durable` }];
      });
  }),
  aboutPurchases(
    'an accepted command about the stock has one outcome, and the ledger has it once',
    (bought) =>
      uniqueOperations(bought.asked.accepted).flatMap(({ operacion, item, verb, quantity }) => {
        const operation = bought.operations.find(({ id }) => id === operacion);
        if (!operation) return [{ what: `${verb} ${item} (${operacion}) was accepted and has no outcome` }];
        const rows = bought.movimientos.filter(
          ({ origen, tipo }) => origen === operacion && tipo !== 'VENCIMIENTO',
        );
        const moved = {
          cantidad: sum(rows.map((row) => row.deltaCantidad)),
          reservada: sum(rows.map((row) => row.deltaReservada)),
        };
        const done = operation.estado === 'DONE';
        const wants = {
          cantidad: done && verb === 'adjust' ? quantity : 0,
          reservada: done && verb === 'reserve' ? quantity : done && verb === 'release' ? -quantity : 0,
        };
        return moved.cantidad === wants.cantidad && moved.reservada === wants.reservada
          ? []
          : [
              {
                what: `${verb} ${quantity} of ${item} (${operacion}) is ${operation.estado} and moved ${moved.cantidad}/${moved.reservada}`,
              },
            ];
      }),
  ),
  aboutPurchases('a request that is repeated is one operation', ({ asked }) => {
    const known = new Map<string, string>();
    return asked.accepted.flatMap(({ peticion, operacion, verb }) => {
      const before = known.get(`${verb} ${peticion}`) ?? operacion;
      known.set(`${verb} ${peticion}`, before);
      return before === operacion ? [] : [{ what: `${verb} ${peticion} is ${before} and ${operacion}` }];
    });
  }),
  aboutPurchases(
    'what consultas shows was true less than its time to live before it was asked',
    ({ asked, history }) =>
      asked.shown.flatMap((shown) => {
        const since = readSince(shown, asked.shown) - shown.ttlMs - ANSWERED_WITHIN_MS;
        const versions = history.filter(({ id }) => id === shown.id);
        const trueSince = versions.some(
          (was, i) => isShown(shown, was) && was.at <= shown.at && (versions[i + 1]?.at ?? Infinity) > since,
        );
        return trueSince
          ? []
          : [
              {
                what: `${toldOf(shown)}; of the last ${shown.ttlMs} ms were ${versions
                  .filter(({ at }, i) => at <= shown.at && (versions[i + 1]?.at ?? Infinity) > since)
                  .map((was) => `${was.at}: v${was.version} ${was.cantidad}/${was.reservada}`)
                  .join(', ')}`,
              },
            ];
      }),
  ),
  aboutPurchases('consultas never shows an older version than it has shown', ({ asked: { shown } }) =>
    shown.flatMap((one) => {
      const newer = shown.find(
        (before) =>
          before.replica === one.replica &&
          before.id === one.id &&
          before.at < one.asked &&
          (before.version ?? 0) > (one.version ?? Infinity),
      );
      return newer ? [{ what: `${toldOf(one)}, after ${toldOf(newer)}` }] : [];
    }),
  ),
  aboutPurchases('nothing is interrupted once its order was asked for', (_, seen) =>
    seen.sagas
      .filter(({ tipo }) => tipo === 'compra')
      .flatMap(({ id }) => {
        const entries = entriesOf(seen, id);
        const ordered = entries.findIndex(({ que, paso }) => que === 'comando' && paso === 'orden');
        const interrupted = entries.findIndex(({ que }) => que === 'interrumpida');
        return ordered >= 0 && interrupted > ordered
          ? [{ saga: id, what: 'is interrupted after it asked for its order' }]
          : [];
      }),
  ),
];

const disagreement = (saga: string, values: Readonly<Record<string, string | bigint>>): Breach[] =>
  new Set(Object.values(values)).size === 1
    ? []
    : [
        {
          saga,
          what: Object.entries(values)
            .map(([name, value]) => `${name}: ${value}`)
            .join('; '),
        },
      ];

/** The rules that may have been in force at `at`: the last one that is known to be, and whatever was under way. */
const rulesAt = (
  rules: readonly RuleSet[],
  id: string,
  at: number,
): readonly Pick<RuleSet, 'activo' | 'limite'>[] => {
  const own = rules.filter((rule) => rule.id === id);
  const settled = own
    .filter(({ answered = Infinity }) => answered <= at - SLACK_MS)
    .sort((a, b) => (b.answered ?? 0) - (a.answered ?? 0))[0];
  const since = settled?.at ?? Number.NEGATIVE_INFINITY;
  const open = own.filter(
    (rule) => rule.at <= at + SLACK_MS && rule !== settled && (rule.answered ?? Infinity) >= since,
  );
  return [settled ?? { activo: true, limite: '1000000.00' }, ...open];
};

const uniqueOperations = (accepted: readonly Accepted[]): readonly Accepted[] => [
  ...new Map(accepted.map((one) => [one.operacion, one])).values(),
];

/** When the read whose answer this is may have begun: one for all who ask for the same while it lasts. */
const readSince = ({ replica, id, asked }: Shown, all: readonly Shown[]): number =>
  Math.min(
    ...all
      .filter(
        (other) => other.replica === replica && other.id === id && other.asked <= asked && other.at >= asked,
      )
      .map((other) => other.asked),
  );

const isShown = (shown: Shown, { version, cantidad, reservada }: ItemWas): boolean =>
  (shown.version ?? version) === version && shown.quantity === cantidad && shown.reserved === reservada;

const toldOf = ({ replica, at, id, version, quantity, reserved }: Shown): string =>
  `${replica} shows at ${at} ${id} v${version} ${quantity}/${reserved}`;
