package cli

import "slices"

// verbs is the verb table. A protocol's own come first: where one has the name
// of a generic verb, it takes its place for that protocol.
func verbs() []*verb {
	return slices.Concat(
		ftpVerbs(),
		httpVerbs(),
		pop3Verbs(),
		socketVerbs(),
		telnetVerbs(),
		smtpVerbs(),
		imapVerbs(),
		nntpVerbs(),
		gopherVerbs(),
		xmlrpcVerbs(),
		listVerbs(),
		readVerbs(),
		syncVerbs(),
		changeVerbs(),
		askVerbs(),
	)
}

// setups is the table of flags that all verbs of a protocol have.
func setups() []*setup {
	return []*setup{ftpFlags(), httpFlags(), pop3Flags(), streamFlags(), datagramFlags(), telnetFlags(), smtpFlags(), imapFlags(), nntpFlags(), gopherFlags(), xmlrpcFlags()}
}
