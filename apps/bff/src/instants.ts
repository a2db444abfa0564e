/** Whether a text in the form of an instant is one: a leap second, the year 0 and 30 February are none here. */
export const isInstant = (text: string): boolean =>
  /^(?!0000)\d{4}-/.test(text) && !Number.isNaN(Date.parse(text));
