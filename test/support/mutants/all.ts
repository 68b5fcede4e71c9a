import { COMMITTING } from "./committing.ts"
import { DECIDING } from "./deciding.ts"
import { LIMITING } from "./limiting.ts"
import type { Mutant } from "./mutant.ts"
import { OWNING } from "./owning.ts"
import { REMEMBERING } from "./remembering.ts"

/** Every deliberate defect that the simulation is held to notice. */
export const MUTANTS: ReadonlyArray<Mutant> = [...DECIDING, ...REMEMBERING, ...COMMITTING, ...OWNING, ...LIMITING]
