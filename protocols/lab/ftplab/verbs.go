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
		"USER": {cmdUser, needArg, "name"},
		"PASS": {cmdPass, 0, "password"},
		"ACCT": {cmdAcct, needArg, "account"},
		"REIN": {cmdRein, 0, ""},
		"QUIT": {cmdQuit, 0, ""},
		"NOOP": {cmdNoop, keepState, ""},
		"HOST": {cmdHost, needArg, "name"},
		"LANG": {cmdLang, 0, "[tag]"},
		// Information (RFC 959 section 4.1.3, RFC 2389).
		"SYST": {cmdSyst, 0, ""},
		"STAT": {cmdStat, keepState, "[path]"},
		"HELP": {cmdHelp, 0, "[command]"},
		"FEAT": {cmdFeat, 0, ""},
		"OPTS": {cmdOpts, needArg, "command [options]"},
		// TLS (RFC 2228, RFC 4217).
		"AUTH": {cmdAuth, needArg, "TLS"},
		"PBSZ": {cmdPbsz, needArg, "0"},
		"PROT": {cmdProt, needArg, "C|P"},
		"CCC":  {cmdCcc, needLogin, ""},
		// Transfer parameters (RFC 959 section 4.1.2, RFC 2428).
		"TYPE": {cmdType, needLogin | needArg | keepState, "A|I|L 8"},
		"MODE": {cmdMode, needLogin | needArg | keepState, "S"},
		"STRU": {cmdStru, needLogin | needArg | keepState, "F"},
		"ALLO": {cmdAllo, needLogin | keepState, "size"},
		"PASV": {cmdPasv, needLogin | keepState, ""},
		"EPSV": {cmdEpsv, needLogin | keepState, "[1|2|ALL]"},
		"PORT": {cmdPort, reads | keepState, "h1,h2,h3,h4,p1,p2"},
		"EPRT": {cmdEprt, reads | keepState, "|proto|address|port|"},
		"REST": {cmdRest, reads | keepState, "offset"},
		// Names (RFC 959 section 4.1.3, RFC 1123 section 4.1.3.1).
		"PWD":  {cmdPwd, needLogin, ""},
		"XPWD": {cmdPwd, needLogin, ""},
		"CWD":  {cmdCwd, reads, "path"},
		"XCWD": {cmdCwd, reads, "path"},
		"CDUP": {cmdCdup, needLogin, ""},
		"XCUP": {cmdCdup, needLogin, ""},
		"MKD":  {cmdMkd, writes, "path"},
		"XMKD": {cmdMkd, writes, "path"},
		"RMD":  {cmdRmd, writes, "path"},
		"XRMD": {cmdRmd, writes, "path"},
		"DELE": {cmdDele, writes, "path"},
		"RNFR": {cmdRnfr, writes | keepState, "path"},
		"RNTO": {cmdRnto, writes, "path"},
		// Facts (RFC 3659, draft-somers-ftp-mfxx).
		"SIZE": {cmdSize, reads | keepState, "path"},
		"MDTM": {cmdMdtm, reads | keepState, "[time] path"},
		"MFMT": {cmdMfmt, writes, "time path"},
		"MLST": {cmdMlst, needLogin, "[path]"},
		"MLSD": {cmdMlsd, needLogin, "[path]"},
		"LIST": {cmdList, needLogin, "[-alR] [path]"},
		"NLST": {cmdNlst, needLogin, "[path]"},
		// Transfers (RFC 959 section 4.1.3).
		"RETR": {cmdRetr, reads, "path"},
		"STOR": {cmdStor, writes, "path"},
		"APPE": {cmdAppe, writes, "path"},
		"STOU": {cmdStou, needLogin | changes, "[path]"},
		"ABOR": {cmdAbor, 0, ""},
		// Extras of various servers.
		"SITE":    {cmdSite, writes, "CHMOD|UTIME|UMASK|HELP"},
		"HASH":    {cmdHash, reads, "path"},
		"XCRC":    {xsum("CRC32"), reads, "path [start [end]]"},
		"XMD5":    {xsum("MD5"), reads, "path [start [end]]"},
		"XSHA1":   {xsum("SHA-1"), reads, "path [start [end]]"},
		"XSHA256": {xsum("SHA-256"), reads, "path [start [end]]"},
	}
}
