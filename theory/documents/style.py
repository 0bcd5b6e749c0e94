"""The style sheet of a page: light and dark, on screen and on paper."""

STYLE = """
:root { color-scheme: light dark; --ink: #1d1d1f; --paper: #fdfdfb; --faint: #6b6b70;
  --rule: #d9d9d4; --link: #22558c; --soft: #f4f4ef }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e4df; --paper: #17181a; --faint: #9a9a9f; --rule: #3a3b3f;
  --link: #8ab6e8; --soft: #202225 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 3rem 1.25rem 5rem; max-width: 50rem; color: var(--ink);
  background: var(--paper);
  font: 1.06rem/1.6 "Source Serif 4", "Iowan Old Style", Charter, "Bitstream Charter",
  Georgia, "Times New Roman", serif; text-wrap: pretty }
h1 { font-size: 1.9rem; line-height: 1.2; font-weight: 600; margin: 0 0 1.5rem;
  text-wrap: balance }
h2 { font-size: 1.3rem; line-height: 1.3; font-weight: 600; margin: 2.6rem 0 .8rem }
p { margin: .8rem 0 } a { color: var(--link); text-decoration: none }
  a:hover { text-decoration: underline }
math { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", "XITS Math",
  "STIXGeneral", math; font-size: 1.04em }
.abstract { margin: 0 0 2rem; padding: .9rem 1.2rem; background: var(--soft);
  border-radius: 4px }
.display { display: flex; align-items: center; gap: 1rem; margin: 1rem 0 }
.lines { display: grid; grid-template-columns: minmax(0, max-content) minmax(0, 1fr);
  column-gap: .3em; row-gap: .55rem; flex: 1; min-width: 0;
  padding: .15rem 0 .15rem 1.6rem; overflow-x: auto; overflow-y: hidden; align-items: baseline }
.left { text-align: right; white-space: nowrap } .left.broad { grid-column: 1 / -1;
  text-align: left; white-space: normal }
.right { grid-column: 2; padding-left: 2.6em; text-indent: -2.6em; line-height: 2.3 }
  .broad + .right { grid-column: 1 / -1; margin-left: 1.5em }
.right math, .left math { text-indent: 0 } .note { color: var(--faint); font-size: .92em;
  margin-left: 1.5em; text-indent: 0; display: inline-block }
.number { color: var(--faint); font-variant-numeric: tabular-nums }
.display:target .number, li:target { color: var(--link) }
figure { margin: 1.6rem 0; overflow-x: auto } figcaption { font-size: .95rem;
  margin-bottom: .5rem } figcaption b { font-weight: 600 }
table { border-collapse: collapse; width: 100%; font-size: .96rem; line-height: 1.45;
  border-block: 1.5px solid var(--ink) }
th { text-align: left; font-weight: 600; border-bottom: 1px solid var(--ink) }
  td, th { padding: .32rem 1.2rem .32rem 0; vertical-align: top }
td:last-child, th:last-child { padding-right: 0 }
  tbody tr + tr td { border-top: 1px solid var(--rule) }
ol { padding-left: 1.6rem } li { margin: .4rem 0 }
@media (max-width: 40rem) { .lines { padding-left: 0 } body { padding-top: 1.5rem }
  .right { padding-left: 1.4em; text-indent: -1.4em } }
@media print { :root { --ink: #000; --paper: #fff; --soft: #fff; --link: #000 }
  @page { margin: 22mm 24mm }
  body { max-width: none; padding: 0; font-size: 10.5pt } .abstract { padding: 0 2rem }
  h2 { break-after: avoid } tr, .left { break-inside: avoid }
  .lines, figure { overflow: visible } thead { display: table-header-group } }
"""
