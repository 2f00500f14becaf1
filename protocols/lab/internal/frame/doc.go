// Package frame is what the servers of package lab are made of: a listener
// whose Close ends everything, the options that all servers share, the faults
// that a specification asks for, and connections for servers from libraries.
//
//   - [Listener]: accepts connections and ends them
//   - [Frame]: a listener with TLS, a user, a record of commands; [Face] is what a server shows of it
//   - [Injector]: which fault is due, and how often it was
//   - [Tap], [Handed]: servers of other modules behind the same faults
package frame
