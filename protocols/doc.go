// Package protocols is the contract between the command line, the transfer
// engine and the adapters that speak one internet protocol each.
//
// # Parts
//
//   - [Client] is what every adapter offers: Probe and Close.
//   - A capability is one small interface (Lister, Getter, Putter, ...), with a
//     function of the matching name (List, Get, Put, ...) that asserts it, falls
//     back where another capability can stand in, and returns a typed error where
//     nothing can. Callers use the functions; adapters implement the interfaces.
//   - [Entry], [Object], [Reply] and [Report] are what comes back, the same for
//     all protocols; [Error] with its [Kind] is what goes wrong.
//   - [Options], [Limits], [Credential] and [Event] are what goes in.
//   - [Registry] is the catalog: a value, filled by a caller, never by init.
//   - [Registry.Parse] and [ParseURL] are the one URL parser.
//
// # Laws
//
// An adapter's constructor does no I/O; the first verb connects. The type of a
// client says what the adapter could ever do, Probe says what a server offers,
// and a call may still be refused with [errors.ErrUnsupported].
//
// A context covers a whole operation, reading an Object included. When it ends,
// blocked I/O ends at once and that connection is not used again.
//
// A Client does one operation at a time; a second one fails at once with
// [ErrBusy]. Different clients are independent.
//
// An iterator yields pairs (Entry, nil) and at most one error, as its last pair.
// Leaving the loop early leaves the client usable.
//
// Every Entry carries the URL that opens it.
//
// The package imports the standard library only.
package protocols
