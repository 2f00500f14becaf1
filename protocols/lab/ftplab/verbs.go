package ftplab

// verb is one row of the command table.
type verb struct {
	run   func(*session, string)
	flags verbFlag
	help  string
}

// verbFlag says what the dispatcher checks and does around a command.
type verbFlag uint8

const (
	needLogin verbFlag = 1 << iota
	needArg
	changes   // not for anonymous users
	keepState // a REST or RNFR before it stays in force
)

// The combinations the table needs.
const (
	reads  = needLogin | needArg
	writes = needLogin | needArg | changes
)

// verbs is the command table.
func verbs() map[string]verb {
	return map[string]verb{
		// Login and session (RFC 959 section 4.1.1, RFC 7151, RFC 2640).
		"USER": {(*session).cmdUser, needArg, "name"},
		"PASS": {(*session).cmdPass, 0, "password"},
		"ACCT": {(*session).cmdAcct, needArg, "account"},
		"REIN": {(*session).cmdRein, 0, ""},
		"QUIT": {(*session).cmdQuit, 0, ""},
		"NOOP": {(*session).cmdNoop, keepState, ""},
		"HOST": {(*session).cmdHost, needArg, "name"},
		"LANG": {(*session).cmdLang, 0, "[tag]"},
		// Information (RFC 959 section 4.1.3, RFC 2389).
		"SYST": {(*session).cmdSyst, 0, ""},
		"STAT": {(*session).cmdStat, keepState, "[path]"},
		"HELP": {(*session).cmdHelp, 0, "[command]"},
		"FEAT": {(*session).cmdFeat, 0, ""},
		"OPTS": {(*session).cmdOpts, needArg, "command [options]"},
		// TLS (RFC 2228, RFC 4217).
		"AUTH": {(*session).cmdAuth, needArg, "TLS"},
		"PBSZ": {(*session).cmdPbsz, needArg, "0"},
		"PROT": {(*session).cmdProt, needArg, "C|P"},
		"CCC":  {(*session).cmdCcc, needLogin, ""},
		// Transfer parameters (RFC 959 section 4.1.2, RFC 2428).
		"TYPE": {(*session).cmdType, needLogin | needArg | keepState, "A|I|L 8"},
		"MODE": {(*session).cmdMode, needLogin | needArg | keepState, "S"},
		"STRU": {(*session).cmdStru, needLogin | needArg | keepState, "F"},
		"ALLO": {(*session).cmdAllo, needLogin | keepState, "size"},
		"PASV": {(*session).cmdPasv, needLogin | keepState, ""},
		"EPSV": {(*session).cmdEpsv, needLogin | keepState, "[1|2|ALL]"},
		"PORT": {(*session).cmdPort, reads | keepState, "h1,h2,h3,h4,p1,p2"},
		"EPRT": {(*session).cmdEprt, reads | keepState, "|proto|address|port|"},
		"REST": {(*session).cmdRest, reads | keepState, "offset"},
		// Names (RFC 959 section 4.1.3, RFC 1123 section 4.1.3.1).
		"PWD":  {(*session).cmdPwd, needLogin, ""},
		"XPWD": {(*session).cmdPwd, needLogin, ""},
		"CWD":  {(*session).cmdCwd, reads, "path"},
		"XCWD": {(*session).cmdCwd, reads, "path"},
		"CDUP": {(*session).cmdCdup, needLogin, ""},
		"XCUP": {(*session).cmdCdup, needLogin, ""},
		"MKD":  {(*session).cmdMkd, writes, "path"},
		"XMKD": {(*session).cmdMkd, writes, "path"},
		"RMD":  {(*session).cmdRmd, writes, "path"},
		"XRMD": {(*session).cmdRmd, writes, "path"},
		"DELE": {(*session).cmdDele, writes, "path"},
		"RNFR": {(*session).cmdRnfr, writes | keepState, "path"},
		"RNTO": {(*session).cmdRnto, writes, "path"},
		// Facts (RFC 3659, draft-somers-ftp-mfxx).
		"SIZE": {(*session).cmdSize, reads | keepState, "path"},
		"MDTM": {(*session).cmdMdtm, reads | keepState, "[time] path"},
		"MFMT": {(*session).cmdMfmt, writes, "time path"},
		"MLST": {(*session).cmdMlst, needLogin, "[path]"},
		"MLSD": {(*session).cmdMlsd, needLogin, "[path]"},
		"LIST": {(*session).cmdList, needLogin, "[-alR] [path]"},
		"NLST": {(*session).cmdNlst, needLogin, "[path]"},
		// Transfers (RFC 959 section 4.1.3).
		"RETR": {(*session).cmdRetr, reads, "path"},
		"STOR": {(*session).cmdStor, writes, "path"},
		"APPE": {(*session).cmdAppe, writes, "path"},
		"STOU": {(*session).cmdStou, needLogin | changes, "[path]"},
		"ABOR": {(*session).cmdAbor, 0, ""},
		// Extras of various servers.
		"SITE":    {(*session).cmdSite, writes, "CHMOD|UTIME|UMASK|HELP"},
		"HASH":    {(*session).cmdHash, reads, "path"},
		"XCRC":    {xsum("CRC32"), reads, "path [start [end]]"},
		"XMD5":    {xsum("MD5"), reads, "path [start [end]]"},
		"XSHA1":   {xsum("SHA-1"), reads, "path [start [end]]"},
		"XSHA256": {xsum("SHA-256"), reads, "path [start [end]]"},
	}
}
