// What is said of words on the command line that cannot be understood.
import { Console, Effect, Option } from "effect"
import { type CliError, CliOutput, type HelpDoc } from "effect/cli"

const SHOWN_CHARACTERS_MAX = 60

const quote = (text: string): string =>
  JSON.stringify(text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text)

const sentenceOf = (error: CliError.CliError): string => {
  if (error._tag !== "InvalidValue") return error.message.replace(/\s+/g, " ")
  const name = error.kind === "flag" ? `--${error.option}` : `<${error.option}>`
  if (error.value === "") return `${name}: a value is missing`
  return `${name} ${quote(error.value)}: ${error.expected.replace(/^Schema validation failed: /, "")}`
}

/** Help says which flags must be given, in the line of usage and where the flag is explained. */
export const markRequired = (doc: HelpDoc.HelpDoc): HelpDoc.HelpDoc => {
  const required = doc.flags.filter((flag) => flag.required)
  const words = required.map(({ name, type }) => `--${name} ${type}`).join(" ")
  return {
    ...doc,
    usage: words === "" ? doc.usage : doc.usage.replace("[flags]", `${words} [flags]`),
    flags: doc.flags.map((flag) =>
      flag.required ? { ...flag, description: Option.map(flag.description, (text) => `${text} (required)`) } : flag
    )
  }
}

/** One sentence on standard error for wrong words, and where to read more; help that was asked for as the library prints it. */
export const layerUsage = CliOutput.layerPresenter({
  present: (event) => {
    if (event._tag === "InvalidInvocation") {
      const where = event.commandPath.join(" ")
      return Console.error(`conclave: ${event.errors.map(sentenceOf).join("; ")} (see ${where} --help)`)
    }
    const shown = event._tag === "Help" ? { ...event, helpDoc: markRequired(event.helpDoc) } : event
    return Effect.suspend(() => CliOutput.defaultPresenter.present(shown))
  }
})
