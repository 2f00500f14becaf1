package listing

import "testing"

var dosCases = []listCase{
	{"dos", []string{
		"11-22-24  08:01AM       <DIR>          Program Files",
		"11-22-24  12:00AM                 1234 midnight.txt",
		"11-22-24  12:30PM                 1234 noon.txt",
		"11-22-2024  08:01PM       <DIR>            two blanks",
		"11-22-24  08:01AM                   10  one blank",
		"2024-11-22  20:01                   10 iso",
		"2024/11/22  20:01:05                10 slashes",
		"11/22/2024  8:01 PM          1,234,567 grouped",
		"22.11.2024  08:01            1.234.567 german",
		"11-22-24  08:01AM       <dir> short tag",
		"11-22-24  08:01AM    <JUNCTION>     Users [C:\\Real Users]",
		"11-22-24  08:01AM    <SYMLINKD>     data [D:\\data]",
		"11-22-24  08:01AM    <SYMLINK>      f.txt [..\\g.txt]",
		"11-22-24  08:01AM    <SYMLINK>      plain",
		"11-22-24  08:01AM                12,34 bad groups",
		"13-32-24  08:01AM                   10 bad date",
		"11-22-24  13:01AM                   10 bad half",
	}, []string{
		`dir "Program Files" -1 2024-11-22T08:01:00~m`,
		`file "midnight.txt" 1234 2024-11-22T00:00:00~m`,
		`file "noon.txt" 1234 2024-11-22T12:30:00~m`,
		`dir "  two blanks" -1 2024-11-22T20:01:00~m`,
		`file " one blank" 10 2024-11-22T08:01:00~m`,
		`file "iso" 10 2024-11-22T20:01:00~m`,
		`file "slashes" 10 2024-11-22T20:01:05`,
		`file "grouped" 1234567 2024-11-22T20:01:00~m`,
		`file "german" 1234567 2024-11-22T08:01:00~m`,
		`dir "short tag" -1 2024-11-22T08:01:00~m`,
		`link "Users" -1 2024-11-22T08:01:00~m t=C:\Real Users`,
		`link "data" -1 2024-11-22T08:01:00~m t=D:\data`,
		`link "f.txt" -1 2024-11-22T08:01:00~m t=..\g.txt`,
		`link "plain" -1 2024-11-22T08:01:00~m`,
		"raw 11-22-24  08:01AM                12,34 bad groups",
		"raw 13-32-24  08:01AM                   10 bad date",
		"raw 11-22-24  13:01AM                   10 bad half",
	}},
	// One date that fits a single order settles the others.
	{"dos", []string{
		"03-04-24  08:01AM   10 unsettled",
		"22-11-24  08:01AM   10 proof",
		"25-11-2024  08:01AM   10 sure",
		"03-04-24  08:01AM   10 settled",
	}, []string{
		`file "unsettled" 10 2024-03-04T08:01:00~m`,
		`file "proof" 10 2024-11-22T08:01:00~m`,
		`file "sure" 10 2024-11-25T08:01:00~m`,
		`file "settled" 10 2024-04-03T08:01:00~m`,
	}},
	{"dos", []string{
		"02-29-24  08:01AM   10 leap",
		"02-29-23  08:01AM   10 no such day",
		"12-11-24  08:01AM   10 proved order",
		"01-01-70  08:01AM   10 first",
	}, []string{
		`file "leap" 10 2024-02-29T08:01:00~m`,
		"raw 02-29-23  08:01AM   10 no such day",
		`file "proved order" 10 2024-12-11T08:01:00~m`,
		`file "first" 10 1970-01-01T08:01:00~m`,
	}},
	{"os2", []string{
		"     0           DIR   11-22-24   08:01  Some Dir",
		" 73098      A          11-22-24   13:01  note.txt",
		"   123               11-22-124   08:01  bad",
	}, []string{
		`dir "Some Dir" -1 2024-11-22T08:01:00~m`,
		`file "note.txt" 73098 2024-11-22T13:01:00~m`,
		"raw    123               11-22-124   08:01  bad",
	}},
	{"sizefirst", []string{
		"    206876  Nov 22, 2024 08:01 read me",
		"         0  Nov 22, 2024 08:01 sub dir/",
		"   512  Nov-22-2024  08:01:05   TOP  <DIR>",
		"   512  NOV-22-2024  08:01:05   boot.ini",
	}, []string{
		`file "read me" 206876 2024-11-22T08:01:00~m`,
		`dir "sub dir" -1 2024-11-22T08:01:00~m`,
		`dir "TOP" -1 2024-11-22T08:01:05`,
		`file "boot.ini" 512 2024-11-22T08:01:05`,
	}},
	{"eplf", []string{
		"+i8388621.48594,m1732262460,r,s280,\tread me.html",
		"+i8388621.50690,m1732262460,/,\tsub;dir,x",
		"+up644,r,s0100,\tzero",
		"+s99999999999999999999,m99999999999999,r,\tbig",
		"+\tbare",
		"+r,s5,",
		"+r,\t",
	}, []string{
		`file "read me.html" 280 2024-11-22T08:01:00 id=8388621.48594`,
		`dir "sub;dir,x" -1 2024-11-22T08:01:00 id=8388621.50690`,
		`file "zero" 100 0644`,
		`file "big" -1`,
		`other "bare" -1`,
		"raw +r,s5,",
		"raw +r,\t",
	}},
}

func TestListDOS(t *testing.T) { runListCases(t, dosCases) }
