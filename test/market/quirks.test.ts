// What people and programs do to files of prices: each is read right, or refused with what to do. None is silently something else.
import { assert, describe, it } from "@effect/vitest"
import type { Bar } from "../../protocols/index.ts"
import { bar, bars, fault, HEADER, noticed } from "../support/market-text.ts"

const row = (date: string) => `${date},10,12,9,11,500`
const one = (date: string) => `${HEADER}\n${row(date)}`
const at = (...clock: ReadonlyArray<number>): Bar => ({ ...bar, time: Date.UTC(2024, 0, 2, ...clock) })
const large = { ...bar, open: 1_234.5, high: 1_300, low: 1_200, close: 1_250, volume: 5_000 }

const READ: ReadonlyArray<readonly [what: string, text: string, as: ReadonlyArray<Bar>]> = [
  [
    "semicolons, thousands by commas",
    `${HEADER.replaceAll(",", ";")}\n2024-01-02;1,234.50;1,300.00;1,200.00;1,250.00;5,000`,
    [large]
  ],
  [
    "thousands by apostrophes",
    `${HEADER.replaceAll(",", ";")}\n2024-01-02;1'234.50;1’300.00;1'200.00;1'250.00;5'000`,
    [large]
  ],
  [
    "thousands by narrow spaces",
    `${HEADER.replaceAll(",", ";")}\n2024-01-02;1\u202f234,50;1 300,00;1\u00a0200,00;1 250,00;5 000`,
    [large]
  ],
  [
    "lakhs",
    `${HEADER}\n2024-01-02,"1,00,000.50","1,20,000.00","90,000.00","1,10,000.00",500`,
    [{ ...bar, open: 100_000.5, high: 120_000, low: 90_000, close: 110_000 }]
  ],
  ["French", "Date;Ouv.;+ Haut;+ Bas;Dernier;Vol.\n2 janv. 2024;10,0;12,0;9,0;11,0;500", [bar]],
  ["French in full", "Date;Ouverture;Plus haut;Plus bas;Clôture;Volume\n2 janvier 2024;10,0;12,0;9,0;11,0;500", [bar]],
  ["Spanish", "Fecha;Apertura;Máximo;Mínimo;Cierre;Volumen\n2 ene 2024;10,0;12,0;9,0;11,0;500", [bar]],
  ["notes at names", "Date,Open,High,Low,Close*,Adj Close**,Volume\n2024-01-02,10,12,9,11,11,500", [bar]],
  [
    "thousands and millions",
    `${HEADER}\n2024-01-02,10,12,9,11,1.5K\n2024-01-03,10,12,9,11,2.25M`,
    [
      { ...bar, volume: 1_500 },
      { ...bar, time: Date.UTC(2024, 0, 3), volume: 2_250_000 }
    ]
  ],
  ["a volume in thousands", `${HEADER} (000s)\n${row("2024-01-02")}`, [{ ...bar, volume: 500_000 }]],
  [
    "two volumes, turnover first",
    "Date,Open,High,Low,Close,Volume USDT,Volume BTC\n2024-01-02,10,12,9,11,5000,500",
    [bar]
  ],
  ["a column of percents", 'Date,Price,Open,High,Low,Vol.,"Change %"\n2024-01-02,11,10,12,9,500,-1.2%', [bar]],
  [
    "units of prices",
    "Date,Open (USD),High (USD),Low (USD),Close (USD),Volume (BTC)\n2024-01-02,10,12,9,11,500",
    [bar]
  ],
  [
    "date and time apart",
    "Date,Time,Open,High,Low,Close,Volume\n01/02/2024,9:30 AM,10,12,9,11,500\n01/13/2024,1:30 PM,10,12,9,11,500",
    [at(9, 30), { ...bar, time: Date.UTC(2024, 0, 13, 13, 30) }]
  ],
  ["weekdays", `${HEADER}\n"Tue, 02 Jan 2024",10,12,9,11,500`, [bar]],
  ["weekdays first, month next", `${HEADER}\n"Tuesday, January 2, 2024",10,12,9,11,500`, [bar]],
  ["Sept", `${HEADER}\n"Sept. 2, 2024",10,12,9,11,500`, [{ ...bar, time: Date.UTC(2024, 8, 2) }]],
  ["twelve hours", `${HEADER}\n${row("2024-01-02 12:00 AM")}\n${row("2024-01-02 12:30 p.m.")}`, [at(0), at(12, 30)]],
  ["delimiters at the end", `${HEADER}\n${row("2024-01-02")},,`, [bar]],
  ["empty columns", "Date,,Open,High,Low,Close,,Volume\n2024-01-02,,10,12,9,11,,500", [bar]],
  ["lines within quotes", `${HEADER},Note\n${row("2024-01-02")},"one\r\ntwo"`, [bar]],
  ["a return alone", [HEADER, row("2024-01-02")].join("\r"), [bar]],
  ["a mark in the middle", `${HEADER}\n\uFEFF${row("2024-01-02")}`, [bar]],
  [
    "files joined",
    `${HEADER}\n${row("2024-01-02")}\n\uFEFF${HEADER.toUpperCase()}\n${row("2024-01-03")}`,
    [bar, { ...bar, time: Date.UTC(2024, 0, 3) }]
  ],
  ["seconds with a fraction", one("1704187800.123"), [at(9, 30, 0, 123)]],
  ["nanoseconds", one("1704187800123000000"), [at(9, 30, 0, 123)]],
  ["an offset without a colon", one("2024-01-02T09:30:00+0530"), [at(4, 0)]],
  [
    "a header that is commented out",
    "# made by hand\n# Date,Close,Open,High,Low,Volume\n2024-01-02,11,10,12,9,500",
    [bar]
  ],
  ["dashes for nothing", `${HEADER}\n2024-01-02,10,12,9,11,—`, [{ ...bar, volume: 0 }]]
]

const REFUSED: ReadonlyArray<readonly [what: string, text: string, rule: string]> = [
  [
    "thousands only",
    "Datum,Eröffnung,Hoch,Tief,Schluss\n2024-01-02,1.234,1.250,1.200,1.240",
    '"1.234" can be a whole number or have three decimals: say which by --decimal'
  ],
  ["weeks", one("2024-W01-2"), '"2024-W01-2" is not a date such as'],
  ["days of the year", one("2024-002"), '"2024-002" is not a date such as'],
  ["serial numbers", one("45293.395833"), "is a spreadsheet's serial number: format the column as dates"],
  ["exponents", one("1.70415E+12"), '"1.70415E+12" is not a date such as'],
  ["a short year", one("01/13/24"), "write it with four digits"],
  ["words like months", one("2 Marraskuu 2024"), '"2 Marraskuu 2024" is not a date such as'],
  ["a word that begins like one", one("2 Marble 2024"), '"2 Marble 2024" is not a date such as'],
  ["zones by letters", one("2024-01-02 09:30 EST"), "is not a date such as"],
  [
    "AM and PM apart",
    "Date,Time,,Open,High,Low,Close\n2024-01-02,09:30,AM,1,1,1,1\n2024-01-02,01:30,PM,1,1,1,1",
    "AM and PM stand in a column of their own: write them behind the clock"
  ],
  [
    "hours alone",
    "Date,Time,Open,High,Low,Close\n2024-01-02,9,1,1,1,1\n2024-01-02,10,1,1,1,1",
    'the clock "9" can be an hour or a minute: write it as 09:00'
  ],
  [
    "two currencies",
    "Date,Open (EUR),High (EUR),Low (EUR),Close (USD)\n2024-01-02,10,12,9,11",
    'the prices are not all in the same: "Open (EUR)" and "Close (USD)"'
  ],
  [
    "only some adjusted",
    "Date,Open,High,Low,Close (adj.)\n2024-01-02,10,12,9,11",
    'the prices are not all in the same: "Close (adj.)" and "Open"'
  ],
  [
    "the close twice",
    "Date,Open,High,Low,Close (USD),Close (EUR)\n2024-01-02,10,12,9,11,10",
    "column close: the header names this column twice"
  ],
  [
    "decimal commas between commas",
    "Date,Open,High,Low,Close\n2024-01-02,10,5,12,5,9,5,11,5",
    "line 2: the row has 9 cells, and the header 5"
  ],
  ["NUL", `${HEADER}\n2024-01-02,1\u00000,12,9,11,500`, "it is no text"],
  ["fractions", `${HEADER}\n2024-01-02,10 1/2,12,9,11,500`, '"10 1/2" is not a number'],
  ["thirty-seconds", `${HEADER}\n2024-01-02,110'16,112'00,109'08,111'00,5`, `"110'16" is not a number`],
  ["spaces between cells", "Date Open High Low Close\n2024-01-02 10 12 9 11", "column date: the column is missing"]
]

describe("quirks of files", () => {
  it("are read right", () => {
    for (const [what, text, as] of READ) assert.deepStrictEqual(bars(text), as, what)
  })

  it("are refused with what to do", () => {
    for (const [what, text, rule] of REFUSED) assert.include(fault(text), rule, what)
  })

  it("are told where a file is put together of two with other columns, whatever is left out", () => {
    const text = `${HEADER}\n${row("2024-01-02")}\nDate,Close,High,Low,Open,Volume\n2024-01-03,10,12,9,11,500`
    for (const skipBad of [false, true]) {
      assert.include(fault(text, { skipBad }), "line 3: another header, with other columns")
    }
    assert.deepStrictEqual(noticed(`${HEADER}\n${row("2024-01-02")}\n${HEADER.toUpperCase()}`), [
      ["header_again", 1, [3]]
    ])
  })
})
