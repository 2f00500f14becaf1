"""nntp_lib.py PORT over|articles COUNT OUT: the standard library's nntplib; overview as lines, articles as files."""
import os
import sys
import warnings

warnings.simplefilter('ignore')
import nntplib

port, what, count, out = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
with nntplib.NNTP('127.0.0.1', port) as n:
    low = n.group('local.bench')[2]
    if what == 'over':
        with open(out, 'w') as f:
            for number, fields in n.over((low, low + count - 1))[1]:
                f.write('%d %s\n' % (number, fields['subject']))
    else:
        os.makedirs(out, exist_ok=True)
        for number in range(low, low + count):
            n.article(number, file=os.path.join(out, str(number)))
