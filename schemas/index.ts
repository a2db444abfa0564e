export { type BodyOf, type Contract, ContractError } from './codec/contract.ts';
export * from './generated/contracts.ts';
