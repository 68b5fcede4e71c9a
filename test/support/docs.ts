// The fenced blocks of README.md and docs/, in the order in which people read them.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { ROOT } from "./command.ts"

export interface Block {
  readonly file: string
  readonly language: string
  readonly lines: ReadonlyArray<string>
  /** What can be typed, one line each; none where it shows something else. */
  readonly commands: ReadonlyArray<string>
}

const TYPED = /^([A-Z_]+=\S+ )*(npx|npm|curl|ollama|\.cache\/\S+) /

const commandsOf = (language: string, lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (language !== "") return []
  const prompted = lines.filter((line) => line.startsWith("$ ")).map((line) => line.slice(2))
  if (prompted.length > 0) return prompted
  return lines.every((line) => TYPED.test(line)) ? lines : []
}

const blocksOf = (file: string): ReadonlyArray<Block> =>
  [...readFileSync(join(ROOT, file), "utf8").matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = "", text = ""]) => {
      const lines = text.trimEnd().split("\n")
      return { file, language, lines, commands: commandsOf(language, lines) }
    }
  )

const guides = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"))

export const FILES: ReadonlyArray<string> = ["README.md", ...guides.map((name) => `docs/${name}`)]

export const BLOCKS: ReadonlyArray<Block> = FILES.flatMap(blocksOf)
