// What is said of words on the command line that cannot be understood.
import { Console, Effect } from "effect"
import { type CliError, CliOutput } from "effect/cli"

const SHOWN_CHARACTERS_MAX = 60

const quote = (text: string): string =>
  JSON.stringify(text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text)

const sentenceOf = (error: CliError.CliError): string => {
  if (error._tag !== "InvalidValue") return error.message.replace(/\s+/g, " ")
  const name = error.kind === "flag" ? `--${error.option}` : `<${error.option}>`
  if (error.value === "") return `${name}: a value is missing`
  return `${name} ${quote(error.value)}: ${error.expected.replace(/^Schema validation failed: /, "")}`
}

/** One sentence on standard error for wrong words, and where to read more; help that was asked for as the library prints it. */
export const layerUsage = CliOutput.layerPresenter({
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? Console.error(
          `conclave: ${event.errors.map(sentenceOf).join("; ")} (see ${event.commandPath.join(" ")} --help)`
        )
      : Effect.suspend(() => CliOutput.defaultPresenter.present(event))
})
