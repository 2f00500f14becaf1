package expect

// Language says what a script looks like, for people.
const Language = `A script has one statement a line; a line that begins with # is a comment.

  expect PATTERN [-> ACTION] [| PATTERN [-> ACTION]]...
                           wait for one of the patterns; of several the first that matches counts
  expect {                 the same, one alternative a line
    PATTERN -> ACTION
  }
  send TEXT                send TEXT and the line end
  write TEXT               send TEXT alone
  urgent TEXT              likewise, with TCP's urgent pointer after it
  command NAME             a signal of the protocol: Telnet's AYT, IP, BREAK, SYNCH, ...
  starttls                 TLS from here on, after the server's word for it
  close                    end our direction
  interact                 give the session to the user, until the user or the peer ends it
  timeout 5s               how long the steps that follow wait; 10s at first
  eol crlf                 the line end that send adds: crlf (at first; cr where Telnet's BINARY
                           is on), lf, cr or none
  set NAME TEXT            a variable; ${NAME} stands for it in texts and patterns
  secret NAME REFERENCE    a variable that is masked in all output: env:VARIABLE or file:PATH
  base64 NAME TEXT         a variable: TEXT in base64, masked when it holds a secret
  print TEXT               say something: to standard output, or as a line of --json
  label NAME, goto NAME    a place, and going there
  sleep 200ms              wait
  code N                   exit code of the steps from here on, when they fail; 0: as ever
  end                      the end; fail [TEXT] is an end with an error

After a script that ends with a send, what still comes is read until the peer ends the session
or is silent for a second.

A PATTERN is "text", a bare word, /regular expression/ (RE2, with the flags ims after it), or
one of the words timeout and eof. Groups become variables: ${1}, or ${name} of (?P<name>...);
${0} is the whole match. An ACTION is next (what happens without one), again (wait anew), goto
NAME, end, fail [TEXT], send TEXT or write TEXT; after those two, ", again" waits anew.
A TEXT is "quoted", with the escapes of Go, or the rest of the line as it is.

For example, a login with a pager:

  secret P env:ROUTER_PASSWORD
  expect "login: "
  send admin
  expect "assword: "
  send ${P}
  expect /incorrect/ -> fail "login refused" | /(?P<host>\S+)# $/
  send show version
  expect {
    "--More--"                -> write " ", again
    /Version (?P<version>\S+)/
    timeout                   -> fail "no version told"
  }
  print ${host} has ${version}
`
