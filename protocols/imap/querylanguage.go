package imap

// QueryLanguage describes the queries of Search, for help pages.
const QueryLanguage = `A query of search, sort and thread finds the messages for which all its words are true:

  netclients search imaps://ann@mail.example.org/INBOX 'from:bob subject:"the plan" since:30d -seen larger:1M'

  from:TEXT to:TEXT cc:TEXT bcc:TEXT subject:TEXT      in a header field; "..." around text with spaces
  header:NAME:TEXT                                     in any header field: header:List-Id:announce
  body:TEXT text:TEXT                                  in the body; in the header or the body
  WORD                                                 without a key: as text:WORD
  since:DATE before:DATE on:DATE                       when it was stored: 2026-01-31, or an age: 7d, 2w, 12h
  sentsince:DATE sentbefore:DATE senton:DATE           what its Date field says
  younger:AGE older:AGE                                to the second: 90m, 7d (servers with WITHIN)
  larger:SIZE smaller:SIZE                             bytes: 2000, 10k, 3M
  seen read unseen unread                              \Seen is set, or is not
  answered unanswered flagged starred unflagged
  deleted undeleted draft undraft                      the other system flags
  recent new old                                       came since a client last looked; those unseen; the others
  keyword:NAME unkeyword:NAME                          a keyword is set, or is not: keyword:$Forwarded
  uid:SET                                              1:9,12
  all                                                  every message

  -WORD, not WORD                                      the opposite
  A or B                                               either of the two words beside it
  ( ... )                                              a group: (from:ann or from:bob) unseen

IMAP's own words are sent as they are if the query begins with one in capitals or with "imap:" (RFC 9051 6.4.4):

  ALL ANSWERED BCC BEFORE BODY CC DELETED DRAFT FLAGGED FROM HEADER KEYWORD LARGER NEW NOT OLD ON OR RECENT SEEN
  SENTBEFORE SENTON SENTSINCE SINCE SMALLER SUBJECT TEXT TO UID UNANSWERED UNDELETED UNDRAFT UNFLAGGED UNKEYWORD UNSEEN
  of extensions: CHARSET EMAILID FUZZY MODSEQ OLDER SAVEDBEFORE SAVEDON SAVEDSINCE THREADID YOUNGER

  netclients search imaps://ann@mail.example.org/INBOX 'OR FROM ann NOT SEEN'
  netclients ls 'imaps://ann@mail.example.org/INBOX?FROM%20ann'
`
