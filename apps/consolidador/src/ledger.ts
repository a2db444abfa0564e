import { type Database, statement } from '@cordada/infra/database/database.ts';

/** What must hold of a stock, and where it does not: `sql` answers a row `que` for each difference. */
interface LedgerRule {
  readonly says: string;
  readonly sql: string;
}

/** Each is one statement, and so sees one instant of a stock that is being sold from. */
const rules: readonly LedgerRule[] = [
  {
    says: 'every quantity is the sum of its movements',
    sql: `SELECT format('item %s at %s: has %s units, %s of them reserved; its movements add up to %s and %s',
        coalesce(e.item, m.item), coalesce(e.bodega, m.bodega), coalesce(e.cantidad, 0), coalesce(e.reservada, 0),
        coalesce(m.cantidad, 0), coalesce(m.reservada, 0)) AS que
      FROM existencia e FULL JOIN (
        SELECT item, bodega, sum(delta_cantidad) AS cantidad, sum(delta_reservada) AS reservada FROM movimiento
        GROUP BY item, bodega) m ON m.item = e.item AND m.bodega = e.bodega
      WHERE coalesce(e.cantidad, 0) <> coalesce(m.cantidad, 0)
        OR coalesce(e.reservada, 0) <> coalesce(m.reservada, 0)`,
  },
  {
    says: "an item's totals are the sums of its warehouses",
    sql: `SELECT format('item %s (%s): has %s units, %s of them reserved; its warehouses have %s and %s', i.id, i.sku,
        i.cantidad, i.reservada, coalesce(e.cantidad, 0), coalesce(e.reservada, 0)) AS que
      FROM item i LEFT JOIN (
        SELECT item, sum(cantidad) AS cantidad, sum(reservada) AS reservada FROM existencia GROUP BY item) e
        ON e.item = i.id
      WHERE i.cantidad <> coalesce(e.cantidad, 0) OR i.reservada <> coalesce(e.reservada, 0)`,
  },
  {
    says: 'what is reserved is the sum of the live reservations',
    sql: `SELECT format('item %s at %s: %s units are reserved; its live reservations add up to %s',
        coalesce(e.item, r.item), coalesce(e.bodega, r.bodega), coalesce(e.reservada, 0), coalesce(r.reservada, 0)) AS que
      FROM existencia e FULL JOIN (
        SELECT l.item, l.bodega, sum(l.cantidad) AS reservada FROM reserva_linea l
        JOIN reserva v ON v.id = l.reserva AND v.estado = 'VIGENTE' GROUP BY l.item, l.bodega) r
        ON r.item = e.item AND r.bodega = e.bodega
      WHERE coalesce(e.reservada, 0) <> coalesce(r.reservada, 0)`,
  },
  {
    says: 'a reservation holds in the ledger what its lines say, and has taken it if it is confirmed',
    sql: `SELECT format('reservation %s (%s): its lines say %s held and %s taken, its movements %s and %s', r.id, r.estado,
        l.cantidad * (r.estado = 'VIGENTE')::int, l.cantidad * (r.estado = 'CONFIRMADA')::int,
        coalesce(m.reservada, 0), -coalesce(m.cantidad, 0)) AS que
      FROM reserva r
      JOIN (SELECT reserva, sum(cantidad) AS cantidad FROM reserva_linea GROUP BY reserva) l ON l.reserva = r.id
      LEFT JOIN (
        SELECT reserva, sum(delta_cantidad) AS cantidad, sum(delta_reservada) AS reservada FROM movimiento
        WHERE reserva IS NOT NULL GROUP BY reserva) m ON m.reserva = r.id
      WHERE l.cantidad * (r.estado = 'VIGENTE')::int <> coalesce(m.reservada, 0)
        OR l.cantidad * (r.estado = 'CONFIRMADA')::int <> -coalesce(m.cantidad, 0)`,
  },
  {
    says: 'nothing is reserved that is not there',
    sql: `SELECT format('item %s: %s units, %s of them reserved', item, cantidad, reservada) AS que FROM (
        SELECT item, cantidad, reservada FROM existencia UNION ALL SELECT id, cantidad, reservada FROM item) q
      WHERE NOT (0 <= reservada AND reservada <= cantidad)`,
  },
  {
    says: 'the database itself refuses to oversell',
    sql: `SELECT format('the constraint %s of %s is missing or not valid', w.nombre, w.tabla) AS que
      FROM (VALUES ('item_reservada_check', 'item'), ('existencia_reservada_check', 'existencia')) w (nombre, tabla)
      WHERE NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = w.nombre AND c.convalidated AND c.contype = 'c'
        AND c.conrelid = to_regclass(w.tabla))`,
  },
];

/** What the check of one rule found. */
export interface LedgerFinding {
  readonly says: string;
  /** A line for each difference, `MOST_SHOWN` at most. */
  readonly differences: readonly string[];
  /** How many there are in all. */
  readonly count: number;
}

const MOST_SHOWN = 20;

/**
 * Proves on a database of `consolidador`, which may be in use, that every quantity is the fold of the ledger. It reads
 * only.
 */
export const checkLedger = async (database: Pick<Database, 'query'>): Promise<LedgerFinding[]> => {
  const findings: LedgerFinding[] = [];
  for (const [at, { says, sql }] of rules.entries()) {
    const rows = await database.query<{ que: string; total: number }>(
      statement(
        `ledger_${at}`,
        `SELECT que, count(*) OVER ()::int4 AS total FROM (${sql}) d ORDER BY que LIMIT $1`,
      ),
      [MOST_SHOWN],
    );
    findings.push({ says, differences: rows.map(({ que }) => que), count: rows[0]?.total ?? 0 });
  }
  return findings;
};
