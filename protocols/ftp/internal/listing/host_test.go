package listing

import (
	"maps"
	"testing"
)

var hostCases = []listCase{
	{"vms", []string{
		"",
		"Directory DISK$USER:[ANONYMOUS.PUB]",
		"",
		"README.TXT;12      5/9         22-NOV-2024 08:01:05  [SYSTEM]         (RWED,RWED,RE,)",
		"README.TXT;11      5           22-NOV-2024 08:01     [STAFF, JO]      (RWED,RWED,R,R)",
		"SUB.DIR;1          1/3         22-Nov-2024 08:01:05.12 [STAFF,JO] (S:RWE,O:RWE,G:RE,W:E)",
		"A_VERY_LONG_NAME_OF_A_FILE_THAT_NEEDS_TWO_LINES.TXT;1",
		"                   213         22-NOV-2024 08:01:05  [STAFF,JO]       (RWED,RWED,,)",
		"SECRET.DIR;1       %RMS-E-PRV, insufficient privilege or file protection violation",
		"",
		"Total of 5 files, 224 blocks.",
	}, []string{
		`file "README.TXT" -1 2024-11-22T08:01:05 0750 o=SYSTEM`,
		`file "README.TXT;11" -1 2024-11-22T08:01:00~m 0744 o=JO g=STAFF`,
		`dir "SUB" -1 2024-11-22T08:01:05.12 0751 o=JO g=STAFF`,
		`file "A_VERY_LONG_NAME_OF_A_FILE_THAT_NEEDS_TWO_LINES.TXT" -1 2024-11-22T08:01:05 0700 o=JO g=STAFF`,
		`dir "SECRET" -1`,
	}},
	// Names without their second line are reported, and nothing after them is lost.
	{"vms", []string{
		"A.TXT;1",
		"B.TXT;1",
		"C.TXT;1  5 22-NOV-2024 08:01 [JO] (RWED,RWED,RE,)",
		"D.TXT;1",
		"  not its columns",
		"E.TXT;1",
		"F.TXT;1",
		"   7 22-NOV-2024 08:01 [JO] (RWED,RWED,RE,)",
		"G.TXT;1",
	}, []string{
		"raw A.TXT;1",
		"raw B.TXT;1",
		`file "C.TXT" -1 2024-11-22T08:01:00~m 0750 o=JO`,
		"raw D.TXT;1",
		"raw   not its columns",
		"raw E.TXT;1",
		`file "F.TXT" -1 2024-11-22T08:01:00~m 0750 o=JO`,
		"raw G.TXT;1",
	}},
	{"os400", []string{
		"QSYS            77824 11/22/24 08:01:05 *DIR       QOpenSys/",
		"QPGMR            1234 22.11.24 08:01:05 *STMF      read me.txt",
		"QPGMR            1234 2024-11-22 08:01:05 *STMF    iso.txt",
		"QPGMR           36864 11/22/24 08:01:05 *FILE      QCLSRC.FILE",
		"QPGMR                                   *MEM       QCLSRC.MEMBER",
		"QSYS               10 11/22/24 08:01:05 *LIB       QGPL",
		"QPGMR            1234 11/22/24 08:01:05 STMF      no star",
		"QPGMR            1234 11/22/24 08:01:05 *STMF",
	}, []string{
		`dir "QOpenSys" 77824 2024-11-22T08:01:05 o=QSYS`,
		`file "read me.txt" 1234 2024-11-22T08:01:05 o=QPGMR`,
		`file "iso.txt" 1234 2024-11-22T08:01:05 o=QPGMR`,
		`file "QCLSRC.FILE" 36864 2024-11-22T08:01:05 o=QPGMR`,
		`file "QCLSRC.MEMBER" -1 o=QPGMR`,
		`dir "QGPL" 10 2024-11-22T08:01:05 o=QSYS`,
		"raw QPGMR            1234 11/22/24 08:01:05 STMF      no star",
		"raw QPGMR            1234 11/22/24 08:01:05 *STMF",
	}},
	{"mvs", []string{
		"Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname",
		"VOL001 3390   2024/11/22  1   15  FB      80  3120  PO  JCL.CNTL",
		"VOL001 3390   2024/11/22  1   15  VB     255 27998  PS  'HLQ.DATA.SET'",
		"VOL002 3390   **NONE**    1   15  U        0  6144  PO-E LOAD.LIB",
		"VOL003 3390                                     VSAM  A.CLUSTER",
		"Migrated                                                OLD.DATA",
		"TAPE01 Tape                                             ON.TAPE",
		"ARCIVE Not Direct Access Device                         FAR.AWAY",
		"Pseudo Directory                                        LEVEL",
		"VOL001 3390   2024/11/22  1   15  FB      80  3120  PO  bad/name",
	}, []string{
		`dir "JCL.CNTL" -1`,
		`file "HLQ.DATA.SET" -1`,
		`dir "LOAD.LIB" -1`,
		`file "A.CLUSTER" -1`,
		`file "OLD.DATA" -1`,
		`file "ON.TAPE" -1`,
		`file "FAR.AWAY" -1`,
		`dir "LEVEL" -1`,
		"raw VOL001 3390   2024/11/22  1   15  FB      80  3120  PO  bad/name",
	}},
	{"mvs", []string{
		" Name     VV.MM   Created       Changed      Size  Init   Mod   Id",
		" COPYBOOK 01.03 2023/05/21 2024/11/22 08:01    26    26     0 JO",
		" NOSTATS",
		" TOOLONGNAME",
	}, []string{
		`file "COPYBOOK" -1 2024-11-22T08:01:00~m o=JO`,
		`file "NOSTATS" -1`,
		"raw  TOOLONGNAME",
	}},
	{"mvs", []string{
		" Name      Size     TTR   Alias-of AC --------- Attributes --------- Amode Rmode",
		"IEFBR14   00A1B8   000201          00 FO             RN RU            31    ANY",
	}, []string{
		`file "IEFBR14" -1`,
	}},
	{"mvs", []string{
		"JOBNAME  JOBID    OWNER    STATUS CLASS",
		"COMPILE  JOB00012 JO       OUTPUT A        RC=0000 3 spool files",
		"BACKUP   STC12345 JO       ACTIVE STC",
		"SHORT    J0012345 HELD     2 Spool Files",
		"BAD      JOBxx    JO       OUTPUT A",
	}, []string{
		`file "JOB00012" -1 o=JO`,
		`file "STC12345" -1 o=JO`,
		`file "J0012345" -1`,
		"raw BAD      JOBxx    JO       OUTPUT A",
	}},
	{"mvs", []string{
		"COMPILE  JOB00012 JO       OUTPUT A        RC=0000",
		"--------",
		"         ID  STEPNAME PROCSTEP C DDNAME   BYTE-COUNT",
		"         001 JES2              A JESMSGLG      1200",
		"         002 STEP1    LKED     A SYSPRINT       300",
		"2 spool files",
	}, []string{
		`file "JOB00012" -1 o=JO`,
		"raw --------",
		`file "JOB00012.001" 1200`,
		`file "JOB00012.002" 300`,
	}},
	{"zvm", []string{
		"README   TXT      V         71         26          1 2024-11-22 08:01:05 USER1",
		"PROFILE  EXEC     F         80         26          1 11/22/24   08:01:05 USER1",
		"SUBDIR   DIR      -          -          -          - 2024-11-22 08:01:05 -",
		"README   TXT      X         71         26          1 2024-11-22 08:01:05 USER1",
	}, []string{
		`file "README.TXT" -1 2024-11-22T08:01:05 o=USER1`,
		`file "PROFILE.EXEC" -1 2024-11-22T08:01:05 o=USER1`,
		`dir "SUBDIR" -1 2024-11-22T08:01:05`,
		"raw README   TXT      X         71         26          1 2024-11-22 08:01:05 USER1",
	}},
	{"guardian", []string{
		"File         Code             EOF  Last Modification    Owner  RWEP",
		`REPORT        101            8078  22-Nov-24 08:01:05 155,106 "nnnn"`,
		`PROG          700O         123456  22-Nov-24 08:01:05 255, 255 "oooo"`,
		`WRONG         x               x    22-Nov-24 08:01:05 255, 255 "oooo"`,
	}, []string{
		`file "REPORT" 8078 2024-11-22T08:01:05 o=155,106`,
		`file "PROG" 123456 2024-11-22T08:01:05 o=255,255`,
		`raw WRONG         x               x    22-Nov-24 08:01:05 255, 255 "oooo"`,
	}},
}

func TestListHosts(t *testing.T) { runListCases(t, hostCases) }

func TestListFacts(t *testing.T) {
	for _, tc := range []struct {
		lines []string
		want  map[string]string
	}{
		{[]string{"A.TXT;3  5/9  22-NOV-2024 08:01 [JO] (RWED,RWED,RE,)"}, map[string]string{"version": "3", "blocks": "5"}},
		{[]string{"B.DIR;1  %RMS-E-PRV, insufficient privilege"}, map[string]string{"version": "1", "message": "%RMS-E-PRV, insufficient privilege"}},
		{[]string{"JO  5  11/22/24 08:01:05 *STMF  x"}, map[string]string{"os400.type": "*STMF"}},
		{[]string{"Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname", "VOL001 3390   2024/11/22  1   15  FB      80  3120  PO  A.B"},
			map[string]string{"mvs.volume": "VOL001", "mvs.dsorg": "PO", "mvs.referred": "2024/11/22"}},
		{[]string{"d [R----F--] jo 512 Nov 22 08:01 x"}, map[string]string{"netware.rights": "R----F--"}},
	} {
		p := NewParser(listNow, nil)
		for _, line := range tc.lines[:len(tc.lines)-1] {
			p.Feed(line)
		}
		if e, ok := p.Feed(tc.lines[len(tc.lines)-1]); !ok || !maps.Equal(e.Facts, tc.want) {
			t.Errorf("%q gave %v, want %v", tc.lines, e.Facts, tc.want)
		}
	}
}
