import type { Defect } from './defect.ts';

const stock = 'apps/consolidador/src/stock.ts';
const itemHandlers = 'apps/consolidador/src/handlers-items.ts';
const purchaseHandlers = 'apps/consolidador/src/handlers-purchase.ts';

/** Faults of stock, orders, purchases and what is cached of them. */
export const compraDefects: readonly Defect[] = [
  {
    name: 'purchase released by hand',
    system: 'compra',
    sentence: "A release by hand takes the oldest units that are reserved, a purchase's as well.",
    patches: [
      {
        file: itemHandlers,
        find: "(r) => r.dueno === 'MANUAL' && r.estado === 'VIGENTE' &&",
        replace: "(r) => r.estado === 'VIGENTE' &&",
      },
    ],
  },
  {
    name: 'expiry past the pivot',
    system: 'compra',
    sentence: 'A purchase whose reservation runs out is given up although its order was asked for already.',
    patches: [
      {
        file: 'sagas/engine/decide.ts',
        find: "if (turn.status !== 'RUNNING' || turn.back || turn.step >= interrupt.before) return undefined;",
        replace: "if (turn.status !== 'RUNNING' || turn.back) return undefined;",
      },
    ],
  },
  {
    name: 'expiry frees a purchase',
    system: 'compra',
    sentence: "A purchase's reservation that has run out is released by itself, as one by hand is.",
    patches: [
      {
        file: 'apps/consolidador/src/expiry.ts',
        find: 'return reserva.compra === null\n',
        replace: 'return reserva.lineas.length > 0\n',
      },
      {
        file: 'apps/consolidador/src/expiry.ts',
        find: ': [announced(stock, reserva, reserva.compra, now)];',
        replace: ": [announced(stock, reserva, reserva.compra ?? '', now)];",
      },
    ],
  },
  {
    name: 'nobody looks for the expired',
    system: 'compra',
    sentence: 'What is reserved by hand never ends: the sweep finds it and does nothing.',
    patches: [
      {
        file: 'apps/consolidador/src/expiry-sweep.ts',
        find: 'if (due.length > 0) await end(due);',
        replace: '',
      },
    ],
  },
  {
    name: 'ledger without its quantity',
    system: 'compra',
    sentence: 'Units that come back are in the ledger, and not at the warehouse.',
    patches: [
      {
        file: stock,
        find: 'if (known) this.existencias.update(place);',
        replace:
          'if (known) {\n      if (cause.tipo !== "DEVOLUCION") this.existencias.update(place);\n    }',
      },
    ],
  },
  {
    name: 'quantity without its ledger',
    system: 'compra',
    sentence: 'Only what is reserved or freed is written into the ledger: an adjustment is not.',
    patches: [
      {
        file: stock,
        find: '    this.movimientos.push({',
        replace: '    if (delta.reservada !== 0) this.movimientos.push({',
      },
    ],
  },
  {
    name: 'sold and still there',
    system: 'compra',
    sentence: 'A confirmed reservation ends, and its units stay in the warehouse.',
    patches: [
      {
        file: stock,
        find: "const gone = estado === 'CONFIRMADA' ? line.cantidad : 0;",
        replace: 'const gone = 0;',
      },
    ],
  },
  {
    name: 'lines not merged',
    system: 'compra',
    sentence: 'Two lines of one product are each compared with all that there is of it.',
    patches: [
      {
        file: 'apps/consolidador/src/purchase-lines.ts',
        find: 'const key = item ? item.id :',
        replace: 'const key = item ? String(wanted.size) :',
      },
    ],
  },
  {
    name: 'total without quantities',
    system: 'compra',
    sentence: 'The total of a purchase is the sum of its prices, however many are bought.',
    patches: [
      {
        file: 'apps/consolidador/src/purchase-lines.ts',
        find: 'cents += centsOf(price) * BigInt(cantidad);',
        replace: 'cents += centsOf(price);',
      },
    ],
  },
  {
    name: 'limit compared as text',
    system: 'compra',
    sentence: "An order's total and its customer's limit are compared as the texts that they come as.",
    patches: [
      {
        file: 'apps/ordenes/src/orden.ts',
        find: 'if (cents(total) > cents(limite))',
        replace: 'if (total > limite)',
      },
    ],
  },
  {
    name: 'refused and still reserved',
    system: 'compra',
    sentence: 'What has run out is not released when its purchase is given up for just that.',
    patches: [
      {
        file: purchaseHandlers,
        find: "if (reserva?.estado === 'VIGENTE') stock.end(reserva, 'LIBERADA'",
        replace:
          "if (reserva?.estado === 'VIGENTE' && reserva.avisada === null) stock.end(reserva, 'LIBERADA'",
      },
    ],
  },
  {
    name: 'given back twice',
    system: 'compra',
    sentence: 'A purchase that was undone can be undone once more, and its units come back once more.',
    patches: [
      {
        file: 'sagas/engine/decide.ts',
        find: "const standing = turn.undos.filter(({ fin }) => fin !== 'COMPENSATED');",
        replace: 'const standing = turn.undos.filter(({ fin }) => !fin);',
      },
      {
        file: purchaseHandlers,
        find: "if (reserva?.estado === 'CONFIRMADA') stock.giveBack",
        replace: "if (reserva?.estado === 'CONFIRMADA' || reserva?.estado === 'DEVUELTA') stock.giveBack",
      },
    ],
  },
  {
    name: 'confirmed after it was cancelled',
    system: 'compra',
    sentence: 'An order that was cancelled is confirmed when the news of its stock comes late.',
    patches: [
      {
        file: 'apps/ordenes/src/handlers.ts',
        find: "if (orden?.estado !== 'PENDING') return [];",
        replace: 'if (!orden) return [];',
      },
    ],
  },
  {
    name: 'undone and still confirmed',
    system: 'compra',
    sentence: 'A purchase that was undone is shown as confirmed.',
    patches: [
      {
        file: 'apps/gestor-compra/src/compra.ts',
        find: "if (estado === 'COMPLETED') return { id, estado: 'RECHAZADA', detenida, razon };",
        replace: '',
      },
    ],
  },
  {
    name: 'deleted while reserved',
    system: 'compra',
    sentence: 'An item is deleted although some of it is reserved.',
    patches: [
      { file: itemHandlers, find: '  if (item.reservada > 0)\n', replace: '  if (item.reservada < 0)\n' },
    ],
  },
  {
    name: 'cache that resurrects',
    suite: 'apps/consultas/src/memory-cache.unit.test.ts',
    // Whether a read was slow the simulation knows too late to tell. Five sentences of this suite do.
    sentence: 'A slow read puts back what is older than what was shown since it began.',
    patches: [
      {
        file: 'apps/consultas/src/reader.ts',
        find: 'versions.every(({ id, version }) => version >= floors.of(id));',
        replace: 'versions.length >= 0;',
      },
      {
        file: 'apps/consultas/src/memory-cache.ts',
        find: '      if (entry.version < floors.of(entry.id)) return;\n',
        replace: '',
      },
      {
        file: 'apps/consultas/src/memory-cache.ts',
        find: '      if (known !== undefined && known.value.version > entry.version) return;\n',
        replace: '',
      },
    ],
  },
  {
    name: 'cache without an end',
    system: 'compra',
    sentence: 'What consultas has kept is shown until it hears of something newer, however old it is.',
    patches: [
      {
        file: 'apps/consultas/src/reader.ts',
        find: 'ageMs >= 0 && ageMs < most;',
        replace: 'ageMs >= 0 && most > 0;',
      },
    ],
  },
];
