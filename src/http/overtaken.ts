import { Problem } from '../platform/problem.js';

/** Somebody else did meanwhile what the work took for undone: nothing of it was kept, and it begins anew in another transaction. */
export class Overtaken extends Problem {
  constructor() {
    super('database/conflict', 'Others kept inserting records with the same keys. Send the request again.');
  }
}
