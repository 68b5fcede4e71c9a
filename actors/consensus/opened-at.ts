import { Option } from "effect"
import { decodeTime } from "ulid"

/** When a round was named, in milliseconds since 1970, which its id tells (a ULID); nothing for an id that is none. */
export const roundOpenedAt = (consensusId: string): number | undefined =>
  Option.getOrUndefined(Option.liftThrowable(() => decodeTime(consensusId))())
