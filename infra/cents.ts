const AMOUNT = /^(-?)(\d+)(?:\.(\d{1,2}))?$/;
/** The most cents that an amount of 18 digits, 2 of them decimals, has. */
const MOST_CENTS = 999_999_999_999_999_999n;

/**
 * An amount of money in cents: sums and products are exact in them.
 * @param amount a plain decimal with at most two places, as contracts and `numeric(18,2)` have it
 * @throws Error when it is none
 */
export const centsOf = (amount: string): bigint => {
  const [, sign, whole = '', fraction = ''] = AMOUNT.exec(amount) ?? [];
  if (sign === undefined) throw new Error(`${amount.slice(0, 40)} is no amount of money`);
  const cents = BigInt(whole + fraction.padEnd(2, '0'));
  return sign === '-' ? -cents : cents;
};

/** Cents as a plain decimal with two places. @returns undefined for what does not fit `decimal(18,2)` */
export const amountOf = (cents: bigint): string | undefined => {
  const magnitude = cents < 0n ? -cents : cents;
  if (magnitude > MOST_CENTS) return undefined;
  const digits = magnitude.toString().padStart(3, '0');
  return `${cents < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
};
