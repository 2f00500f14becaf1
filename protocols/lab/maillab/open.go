package maillab

// anyPassword are the mechanisms that show the server the password: others cannot let in
// whoever has any.
var anyPassword = []string{"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"}

// mechanisms returns those of SASL that the servers of a store offer where their options
// name none: usual, or for an open store anyPassword.
func mechanisms(m *Mailboxes, usual ...string) []string {
	if m.open {
		return anyPassword
	}
	return usual
}
