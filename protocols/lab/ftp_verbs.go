package lab

// ftpVerb is one row of the command table.
type ftpVerb struct {
	run   func(*ftpSession, string)
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

// ftpVerbs is the command table.
func ftpVerbs() map[string]ftpVerb {
	return map[string]ftpVerb{
		// Login and session (RFC 959 section 4.1.1, RFC 7151, RFC 2640).
		"USER": {(*ftpSession).cmdUser, needArg, "name"},
		"PASS": {(*ftpSession).cmdPass, 0, "password"},
		"ACCT": {(*ftpSession).cmdAcct, needArg, "account"},
		"REIN": {(*ftpSession).cmdRein, 0, ""},
		"QUIT": {(*ftpSession).cmdQuit, 0, ""},
		"NOOP": {(*ftpSession).cmdNoop, keepState, ""},
		"HOST": {(*ftpSession).cmdHost, needArg, "name"},
		"LANG": {(*ftpSession).cmdLang, 0, "[tag]"},
		// Information (RFC 959 section 4.1.3, RFC 2389).
		"SYST": {(*ftpSession).cmdSyst, 0, ""},
		"STAT": {(*ftpSession).cmdStat, keepState, "[path]"},
		"HELP": {(*ftpSession).cmdHelp, 0, "[command]"},
		"FEAT": {(*ftpSession).cmdFeat, 0, ""},
		"OPTS": {(*ftpSession).cmdOpts, needArg, "command [options]"},
		// TLS (RFC 2228, RFC 4217).
		"AUTH": {(*ftpSession).cmdAuth, needArg, "TLS"},
		"PBSZ": {(*ftpSession).cmdPbsz, needArg, "0"},
		"PROT": {(*ftpSession).cmdProt, needArg, "C|P"},
		"CCC":  {(*ftpSession).cmdCcc, needLogin, ""},
		// Transfer parameters (RFC 959 section 4.1.2, RFC 2428).
		"TYPE": {(*ftpSession).cmdType, needLogin | needArg | keepState, "A|I|L 8"},
		"MODE": {(*ftpSession).cmdMode, needLogin | needArg | keepState, "S"},
		"STRU": {(*ftpSession).cmdStru, needLogin | needArg | keepState, "F"},
		"ALLO": {(*ftpSession).cmdAllo, needLogin | keepState, "size"},
		"PASV": {(*ftpSession).cmdPasv, needLogin | keepState, ""},
		"EPSV": {(*ftpSession).cmdEpsv, needLogin | keepState, "[1|2|ALL]"},
		"PORT": {(*ftpSession).cmdPort, reads | keepState, "h1,h2,h3,h4,p1,p2"},
		"EPRT": {(*ftpSession).cmdEprt, reads | keepState, "|proto|address|port|"},
		"REST": {(*ftpSession).cmdRest, reads | keepState, "offset"},
		// Names (RFC 959 section 4.1.3, RFC 1123 section 4.1.3.1).
		"PWD":  {(*ftpSession).cmdPwd, needLogin, ""},
		"XPWD": {(*ftpSession).cmdPwd, needLogin, ""},
		"CWD":  {(*ftpSession).cmdCwd, reads, "path"},
		"XCWD": {(*ftpSession).cmdCwd, reads, "path"},
		"CDUP": {(*ftpSession).cmdCdup, needLogin, ""},
		"XCUP": {(*ftpSession).cmdCdup, needLogin, ""},
		"MKD":  {(*ftpSession).cmdMkd, writes, "path"},
		"XMKD": {(*ftpSession).cmdMkd, writes, "path"},
		"RMD":  {(*ftpSession).cmdRmd, writes, "path"},
		"XRMD": {(*ftpSession).cmdRmd, writes, "path"},
		"DELE": {(*ftpSession).cmdDele, writes, "path"},
		"RNFR": {(*ftpSession).cmdRnfr, writes | keepState, "path"},
		"RNTO": {(*ftpSession).cmdRnto, writes, "path"},
		// Facts (RFC 3659, draft-somers-ftp-mfxx).
		"SIZE": {(*ftpSession).cmdSize, reads | keepState, "path"},
		"MDTM": {(*ftpSession).cmdMdtm, reads | keepState, "[time] path"},
		"MFMT": {(*ftpSession).cmdMfmt, writes, "time path"},
		"MLST": {(*ftpSession).cmdMlst, needLogin, "[path]"},
		"MLSD": {(*ftpSession).cmdMlsd, needLogin, "[path]"},
		"LIST": {(*ftpSession).cmdList, needLogin, "[-alR] [path]"},
		"NLST": {(*ftpSession).cmdNlst, needLogin, "[path]"},
		// Transfers (RFC 959 section 4.1.3).
		"RETR": {(*ftpSession).cmdRetr, reads, "path"},
		"STOR": {(*ftpSession).cmdStor, writes, "path"},
		"APPE": {(*ftpSession).cmdAppe, writes, "path"},
		"STOU": {(*ftpSession).cmdStou, needLogin | changes, "[path]"},
		"ABOR": {(*ftpSession).cmdAbor, 0, ""},
		// Extras of various servers.
		"SITE":    {(*ftpSession).cmdSite, writes, "CHMOD|UTIME|UMASK|HELP"},
		"HASH":    {(*ftpSession).cmdHash, reads, "path"},
		"XCRC":    {xsum("CRC32"), reads, "path [start [end]]"},
		"XMD5":    {xsum("MD5"), reads, "path [start [end]]"},
		"XSHA1":   {xsum("SHA-1"), reads, "path [start [end]]"},
		"XSHA256": {xsum("SHA-256"), reads, "path [start [end]]"},
	}
}
