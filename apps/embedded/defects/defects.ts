import { campaignDefects } from './campaign-defects.ts';
import { compraDefects } from './compra-defects.ts';
import type { Defect } from './defect.ts';

/** Planted one at a time; the simulation, or the suite that is named, must catch each. */
export const defects: readonly Defect[] = [...campaignDefects, ...compraDefects];
