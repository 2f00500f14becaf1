// Package imapwire is the grammar of IMAP (RFC 3501 9, RFC 9051 9) without a
// connection: [Input] frames what a server sends into responses, [Parser] reads
// their values, [ParseFetch] reads messages; [Status] turns what a server refuses
// into errors. Beside them stand sequence sets, mailbox names in modified UTF-7,
// and [Name], the form in which verbs name mailboxes and messages (RFC 5092).
package imapwire

// proto is the name of the protocol in errors.
const proto = "imap"
