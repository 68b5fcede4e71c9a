// `conclave init`: a project of one's own, from plain files.
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { basename, join, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { Console, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"

/** A project cannot be made there; the sentence says why. */
export class ProjectRefused extends Schema.TaggedError<ProjectRefused>()("ProjectRefused", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

const TEMPLATE = fileURLToPath(new URL("../packages/conclave/template", import.meta.url))

/** Files of the template in which the project is named. */
const NAMED = ["package.json", "README.md"]

const Versions = Schema.Record(Schema.String, Schema.String)
const Project = Schema.Struct({ dependencies: Versions, devDependencies: Versions })
const decodeText = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

/** What a folder cannot be the project of; nothing where it can. */
const faultOf = (folder: string): string | undefined => {
  if (!/^[a-z0-9][a-z0-9._-]{0,213}$/.test(basename(folder))) {
    return "its name must be one of a package: lower case letters, digits, dots, dashes and underscores, the first a letter or digit"
  }
  if (!existsSync(folder)) return undefined
  return readdirSync(folder).length > 0 ? "it is not empty, and nothing is written over" : undefined
}

/** The tarballs of our packages in a folder: the file of each name. */
const tarballsIn = (folder: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(folder).flatMap((file) => {
      const [, name] = /^conclave-(?:([a-z]+)-)?\d+\.\d+\.\d+.*\.tgz$/.exec(file) ?? [undefined, null]
      if (name === null) return []
      return [[name === undefined ? "conclave" : `@conclave/${name}`, `file:${join(folder, file)}`]]
    })
  )

/** With the tarballs in place of what a registry would have, those included that ours need of one another. */
const onTarballs = (text: string, tarballs: Readonly<Record<string, string>>): string => {
  const whole = decodeText(text)
  const project = Schema.decodeUnknownSync(Project)(whole)
  const own = (names: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(names).map(([name, version]) => [name, tarballs[name] ?? version]))
  const others = Object.entries(tarballs).filter(([name]) => !(name in project.devDependencies))
  const dependencies = { ...own(project.dependencies), ...Object.fromEntries(others) }
  return `${JSON.stringify({ ...whole, dependencies, devDependencies: own(project.devDependencies) }, null, 2)}\n`
}

const write = (folder: string, packages: string | undefined): void => {
  cpSync(TEMPLATE, folder, { recursive: true })
  // npm leaves out what is called .gitignore when it packs.
  renameSync(join(folder, "gitignore"), join(folder, ".gitignore"))
  for (const file of NAMED) {
    const path = join(folder, file)
    writeFileSync(path, readFileSync(path, "utf8").replaceAll("NAME", basename(folder)))
  }
  if (packages === undefined) return
  const file = join(folder, "package.json")
  writeFileSync(file, onTarballs(readFileSync(file, "utf8"), tarballsIn(packages)))
}

const refused = (folder: string, why: string) => new ProjectRefused({ detail: `${folder}: ${why}` })
const reasonOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))

const given = {
  folder: Argument.String("name").pipe(
    Argument.withDescription("The folder to make, whose last part is the project's name")
  ),
  packages: Flag.String("packages").pipe(
    Flag.withDescription("A folder of tarballs to take Conclave's packages from (default: the registry of npm)"),
    Flag.withMetavar("DIR"),
    Flag.optional
  )
}

/** `conclave init`. Writes nothing where the folder has anything in it. */
export const init = Command.make("init", given, ({ folder: name, packages }) =>
  Effect.gen(function* () {
    const folder = resolve(name)
    const from = Option.getOrUndefined(Option.map(packages, (path) => resolve(path)))
    yield* Effect.try({
      try: () => {
        const fault = faultOf(folder)
        if (fault !== undefined) throw new Error(fault)
        if (from !== undefined && Object.keys(tarballsIn(from)).length === 0) {
          throw new Error(`there are no tarballs of Conclave in ${from}`)
        }
        write(folder, from)
      },
      catch: (cause) => refused(name, reasonOf(cause))
    })
    yield* Console.log(`${relative(process.cwd(), folder) || folder} is made. Next:

  cd ${name}
  npm install
  npm test
  npm start`)
  })
).pipe(
  Command.withDescription(
    "Begin a project of your own: an actor, a test of it on simulated clusters, an agent that votes"
  ),
  Command.withExamples([{ command: "npx conclave init my-system", description: "In a new folder" }])
)
