export { type BodyOf, type Contract, ContractError } from './codec/contract.ts';
