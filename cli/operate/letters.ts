// Dead letters, for people and for programs.
import { type DeadLetter, formatAddress } from "../../runtime/index.ts"
import { dataText, indented, plain, table, timeText } from "../table.ts"

/** Letters, one a line. */
export const letterRows = (letters: ReadonlyArray<DeadLetter>): string =>
  table(
    ["LETTER", "ACTOR", "MESSAGE", "PARKED", "CAUSE"],
    letters.map((letter) => [
      letter.sequence,
      formatAddress(letter.owner),
      plain(letter.message, 40),
      timeText(letter.time),
      causeOf(letter, 80)
    ])
  )

const causeOf = ({ failure, cause }: DeadLetter, charactersMax?: number): string =>
  plain(failure === undefined ? cause : `${failure}: ${cause}`, charactersMax)

/** One letter with all it holds. */
export const letterText = (letter: DeadLetter): string =>
  [
    `dead letter ${letter.sequence}`,
    `  actor     ${formatAddress(letter.owner)}`,
    `  message   ${plain(letter.message)}`,
    ...(letter.mail === undefined
      ? []
      : [`  stored    ${timeText(letter.mail.time)}, sequence ${letter.mail.sequence}`]),
    `  parked    ${timeText(letter.time)}`,
    ...(letter.attempts === undefined ? [] : [`  attempts  ${letter.attempts}`]),
    `  cause     ${causeOf(letter)}`,
    "  original",
    indented(dataText(letter.original), "    ")
  ].join("\n")

/** A letter as JSON, flat. */
export const letterJson = ({ owner, mail, ...letter }: DeadLetter) => ({
  ...letter,
  type: owner.type,
  id: owner.id,
  mail: mail ?? null
})
