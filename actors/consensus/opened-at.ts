import { Option } from "effect"
import { decodeTime } from "ulid"

const TIME_CHARACTERS = 10
/** In place of the first random characters: whoever draws an id of another round draws again where it has them by chance. */
const REQUESTED = "ZZZ"

/** An id of the same time that says of its round that somebody asked for it. */
export const requestedId = (consensusId: string): string =>
  `${consensusId.slice(0, TIME_CHARACTERS)}${REQUESTED}${consensusId.slice(TIME_CHARACTERS + REQUESTED.length)}`

/** Whether somebody asked for a round, as its id says; those of the market's bars nobody asked for. */
export const isRequestedRound = (consensusId: string): boolean => consensusId.startsWith(REQUESTED, TIME_CHARACTERS)

/** When a round was named, in milliseconds since 1970, which its id tells (a ULID); nothing for an id that is none. */
export const roundOpenedAt = (consensusId: string): number | undefined =>
  Option.getOrUndefined(Option.liftThrowable(() => decodeTime(consensusId))())
