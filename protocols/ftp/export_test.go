package ftp

// BuiltIn returns the charset of the settings.
func (s *Settings) BuiltIn() (Charset, error) { return s.charset() }
