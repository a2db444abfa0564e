/// <reference lib="es2024.string" />
/** Lone surrogates replaced: Postgres takes no others. */
export const wellFormed = (text: string): string => text.toWellFormed();
