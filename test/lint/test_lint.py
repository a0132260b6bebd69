"""Each rule of tool/lint fires on a planted violation, and on nothing else.

Every case is a small tree in a temporary directory. Words that the lint looks for in all files are
put together here, so that this file does not hold them.
"""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINT = os.path.join(ROOT, 'tool', 'lint')


def header(path, body=''):
    guard = 'SLUICE_' + re.sub(r'[/.-]', '_', path[len('src/'):]).upper()
    return f'#ifndef {guard}\n#define {guard}\n\n{body}\n#endif\n'


def function(body, head='int f(int a)'):
    return f'{head}\n{{\n{body}}}\n'


class Tree(unittest.TestCase):
    def setUp(self):
        """An empty tree, in which clang-format has no opinion."""
        self.root = tempfile.mkdtemp(prefix='lint-')
        self.addCleanup(shutil.rmtree, self.root)
        self.write('.clang-format', 'DisableFormat: true\n')

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'w', encoding='utf-8') as file:
            file.write(text)

    def lint(self, *arguments):
        """(exit status, {(path, rule)}, all output)"""
        done = subprocess.run([LINT, '--root', self.root, *arguments], capture_output=True, text=True)
        self.assertEqual(done.stderr, '')
        found = re.findall(r'^([^:\s]+):\d+: (\w+): ', done.stdout, re.M)
        count = int(re.search(r'^lint: (\d+) violations', done.stdout, re.M).group(1))
        self.assertEqual(count, len(found), done.stdout)
        return done.returncode, set(found), done.stdout

    def expect(self, files, *violations):
        """`files`: path -> text. Exactly these (path, rule) are reported."""
        for path, text in files.items():
            self.write(path, text)
        status, found, output = self.lint()
        self.assertEqual(found, set(violations), output)
        self.assertEqual(status, 1 if violations else 0)

    def fires(self, rule, path, text):
        self.expect({path: text}, (path, rule))

    def silent(self, path, text):
        self.expect({path: text})


class Layers(Tree):
    def include(self, path, target):
        return {path: f'#include "{target}"\n', f'src/{target}': header(f'src/{target}')}

    def test_allowed(self):
        for path, target in (
                ('src/base/a.c', 'base/b.h'), ('src/core/a.c', 'base/b.h'),
                ('src/port/a.c', 'core/b.h'), ('src/net/a.c', 'base/b.h'),
                ('src/adapter/a.c', 'net/b.h'), ('src/service/api/a.c', 'port/b.h'),
                ('src/service/api/a.c', 'service/api/b.h'), ('src/sim/a.c', 'service/api/b.h'),
                ('src/sim/a.c', 'adapter/db_sqlite.h'), ('src/cmd/a.c', 'sim/b.h'),
                ('src/cmd/a.c', 'adapter/b.h')):
            with self.subTest(path=path, target=target):
                self.expect(self.include(path, target))

    def test_forbidden(self):
        for path, target in (
                ('src/base/a.c', 'core/b.h'), ('src/core/a.c', 'port/b.h'),
                ('src/port/a.c', 'net/b.h'), ('src/port/a.c', 'adapter/b.h'),
                ('src/net/a.c', 'core/b.h'), ('src/adapter/a.c', 'service/api/b.h'),
                ('src/service/api/a.c', 'adapter/b.h'), ('src/service/api/a.c', 'sim/b.h'),
                ('src/service/api/a.c', 'service/signer/b.h'), ('src/sim/a.c', 'cmd/b.h'),
                ('src/sim/a.c', 'adapter/chain_jsonrpc.h')):
            with self.subTest(path=path, target=target):
                self.setUp()
                self.expect(self.include(path, target), (path, 'layer'))

    def test_path_without_a_layer(self):
        self.fires('layer', 'src/core/a.c', '#include "amount.h"\n')

    def test_commented_include_is_none(self):
        self.silent('src/core/a.c', '/*\n#include "port/b.h"\n*/\n')


class Rooms(Tree):
    def test_keys_journal_db(self):
        for name, good, bad in (
                ('keys', 'src/service/signer/a.c', 'src/service/api/a.c'),
                ('keys', 'src/adapter/keys_keystore.c', 'src/adapter/store_sql.c'),
                ('keys', 'src/service/admin/a.c', 'src/service/monitor/a.c'),
                ('journal', 'src/adapter/journal_sql.c', 'src/service/processor/a.c'),
                ('journal', 'src/port/journal.c', 'src/port/store.c'),
                ('db', 'src/adapter/store_sql_accept.c', 'src/service/signer/a.c'),
                ('db', 'src/adapter/queue_store.c', 'src/service/admin/a.c'),
                ('db', 'src/cmd/a.c', 'src/adapter/chain_jsonrpc.c')):
            with self.subTest(name=name, bad=bad):
                self.setUp()
                target = f'src/port/{name}.h'
                text = f'#include "port/{name}.h"\n'
                self.expect({target: header(target), good: text, bad: text}, (bad, 'room'))

    def test_reached_through_another_header(self):
        inner = '#include "port/db.h"\n'
        self.expect({
            'src/port/db.h': header('src/port/db.h'),
            'src/adapter/db_sqlite.h': header('src/adapter/db_sqlite.h', inner),
            'src/adapter/chain_jsonrpc.c': '#include "adapter/db_sqlite.h"\n',
        }, ('src/adapter/chain_jsonrpc.c', 'room'))

    def test_foreign_headers(self):
        for target, good, bad in (
                ('event2/event.h', 'src/net/loop.c', 'src/service/api/a.c'),
                ('curl/curl.h', 'src/net/http_client.c', 'src/adapter/chain_jsonrpc.c'),
                ('jansson.h', 'src/base/json.c', 'src/base/log.c'),
                ('openssl/evp.h', 'src/base/hash.c', 'src/core/address.c'),
                ('openssl/evp.h', 'src/adapter/keys_keystore.c', 'src/adapter/db_sqlite.c'),
                ('sqlite3.h', 'src/adapter/db_sqlite.c', 'src/adapter/store_sql.c'),
                ('secp256k1.h', 'src/core/signature.c', 'src/core/tx.c'),
                ('cyaml/cyaml.h', 'src/cmd/config.c', 'src/service/admin/a.c')):
            with self.subTest(target=target, bad=bad):
                self.setUp()
                text = f'#include <{target}>\n'
                self.expect({good: text, bad: text}, (bad, 'room'))

    def test_header_without_a_room(self):
        self.fires('room', 'src/base/a.c', '#include <glib.h>\n')

    def test_system_headers(self):
        self.silent('src/base/a.c', '#include <sys/mman.h>\n#include <errno.h>\n')

    def test_http_in_the_api(self):
        text = '#include "net/http_server.h"\n'
        self.expect({
            'src/net/http_server.h': header('src/net/http_server.h'),
            'src/service/api/http.c': text, 'src/service/api/route.c': text,
        }, ('src/service/api/route.c', 'room'))


class Pure(Tree):
    def test_system_header_in_core(self):
        self.fires('pure', 'src/core/a.c', '#include <time.h>\n')

    def test_system_header_in_port(self):
        self.fires('pure', 'src/port/a.c', '#include <unistd.h>\n')

    def test_log_in_core(self):
        self.expect({'src/core/a.c': '#include "base/log.h"\n',
                     'src/base/log.h': header('src/base/log.h')}, ('src/core/a.c', 'pure'))

    def test_allocation_in_core(self):
        self.fires('pure', 'src/core/a.c', function('\treturn malloc(a) != 0;\n'))
        self.silent('src/core/a.c', function('\treturn token_free(a) + a;\n'))

    def test_clock_in_core(self):
        self.fires('pure', 'src/core/a.c', function('\treturn time(a);\n'))

    def test_float(self):
        for body in ('\tdouble b = a;\n\n\treturn b > a;\n', '\treturn a * 1.5;\n'):
            with self.subTest(body=body):
                self.fires('float', 'src/core/a.c', function(body))

    def test_float_elsewhere_and_in_text(self):
        self.expect({'src/base/a.c': function('\treturn a * 1.5;\n'),
                     'src/core/a.c': '/* 1.5 float */\nconst char *const f = "1.5 double";\n'})

    def test_default(self):
        body = '\tswitch (a) {\n\tcase 1:\n\t\treturn 2;\n\tdefault:\n\t\treturn 3;\n\t}\n'
        for layer in ('core', 'port', 'service/api'):
            with self.subTest(layer=layer):
                self.setUp()
                self.fires('default', f'src/{layer}/a.c', function(body))
        self.setUp()
        self.silent('src/net/a.c', function(body))


class Words(Tree):
    def test_banned(self):
        for name in ('strcpy strcat sprintf vsprintf gets strncpy strtok atoi atol atof rand system '
                     'popen alloca').split():
            with self.subTest(name=name):
                self.fires('banned', 'src/base/a.c', function(f'\treturn {name}(a);\n'))

    def test_names_that_only_contain_a_banned_one(self):
        self.silent('src/base/a.c', function('\treturn operating_system(a) + m->system(a);\n'))
        self.silent('src/base/a.c', '/* strcpy() */\nconst char *const f = "system(1)";\n')

    def test_banned_in_a_macro_and_in_tests(self):
        self.fires('banned', 'src/base/a.c', '#define F(a) sprintf(a)\n')
        self.setUp()
        self.fires('banned', 'test/unit/base/test_a.c', function('\treturn atoi(a);\n'))

    def test_typedef(self):
        self.fires('typedef', 'src/base/a.c', 'typedef struct a {\n\tint b;\n} c;\n')
        self.silent('src/base/a.c', 'typedef int (*a_call)(int b);\n')

    def test_limb(self):
        body = '\treturn u->limb[0] == v.limb[1];\n'
        self.fires('limb', 'src/core/a.c', function(body))
        self.setUp()
        self.expect({'src/base/u256.c': function(body),
                     'test/unit/base/test_u256.c': function(body)})

    def test_secret_in_a_log(self):
        for text in ('\tlog_line(log, "key %s", a->private_key);\n',
                     '\tlog_line(log,\n\t\t "a text that is rather long, so that the call is broken",'
                     '\n\t\t wallet->seed.bytes);\n'):
            with self.subTest(text=text):
                self.fires('secret', 'src/cmd/a.c', function(text))

    def test_log_without_a_secret(self):
        self.silent('src/cmd/a.c', function('\tlog_line(log, "the password is wrong", seedling);\n'
                                            '\tread_password(a);\n'))

    def test_unfinished(self):
        for word in ('TO' + 'DO', 'FIX' + 'ME', 'X' * 3):
            with self.subTest(word=word):
                self.fires('word', 'doc/a.md', f'One line.\n{word}: another.\n')
        self.silent('doc/a.md', 'mktemp /tmp/a.XXXXXX\n')

    def test_places(self):
        for text in ('/wo' + 'rk/main/src', '/ro' + 'ot/.profile', 'https://registry.np' + 'mjs.org/x',
                     'pypi' + '.org', 'made by Cla' + 'ude', '../sha' + 'red/a.md'):
            with self.subTest(text=text):
                self.fires('place', 'doc/a.md', f'See {text} for it.\n')
        self.silent('doc/a.md', 'src/network/a.c and doc/groot/ and a/root.c\n')

    def test_names(self):
        for path in ('src/base/util.h', 'src/base/str_utils.h', 'src/core/helpers.h',
                     'src/core/common.h', 'src/service/api/queue_manager.h'):
            with self.subTest(path=path):
                self.setUp()
                self.fires('name', path, header(path))


class Shape(Tree):
    def test_format(self):
        shutil.copy(os.path.join(ROOT, '.clang-format'), self.root)
        self.silent('src/base/a.c', function('\treturn a;\n'))
        self.fires('format', 'src/base/a.c', 'int  f(void);\n')
        self.fires('format', 'src/base/a.c', 'int f(int a)\n{\n    return a;\n}\n')

    def test_function_length(self):
        lines = '\ta++;\n'
        self.silent('src/base/a.c', function(lines * 67))
        self.fires('function', 'src/base/a.c', function(lines * 68))
        self.silent('src/base/a.c', 'const int f[] = {\n' + '\t1,\n' * 80 + '};\n')

    def test_function_name_is_told(self):
        self.write('src/base/a.c', function('\ta++;\n' * 68, 'static int a_count(int a)'))
        self.assertIn('a_count has 71 lines, at most 70', self.lint()[2])

    def test_inline_function_in_a_header(self):
        self.fires('function', 'src/base/a.h',
                   header('src/base/a.h', function('\ta++;\n' * 68, 'static inline int f(int a)')))

    def test_file_length(self):
        self.silent('src/base/a.c', 'int a;\n' * 800)
        self.fires('file', 'src/base/a.c', 'int a;\n' * 801)

    def test_header_length(self):
        self.silent('src/base/a.h', header('src/base/a.h', 'int a;\n' * 245))
        self.fires('file', 'src/base/a.h', header('src/base/a.h', 'int a;\n' * 246))

    def test_width(self):
        name = 'a' * 90
        self.silent('src/base/a.c', function(f'\t{name[:89]}();\n'))
        self.fires('width', 'src/base/a.c', function(f'\t{name}();\n'))
        self.silent('src/base/a.c', f'const char *const f = "{name}";\n')
        self.silent('src/base/a.c', '\t' * 8 + f'"{name[:45]}" }},\n')

    def nest(self, *openings):
        body = ''.join('\t' * (depth + 1) + line + ' {\n' for depth, line in enumerate(openings))
        body += '\t' * (len(openings) + 1) + 'a++;\n'
        for depth in range(len(openings), 0, -1):
            body += '\t' * depth + ('} while (a);\n' if openings[depth - 1] == 'do' else '}\n')
        return function(body)

    def test_nesting(self):
        self.silent('src/base/a.c', self.nest('if (a)', 'for (;;)', 'while (a)'))
        for inner in ('if (a)', 'for (;;)', 'while (a)', 'do', 'list_each(a)'):
            with self.subTest(inner=inner):
                self.fires('nesting', 'src/base/a.c',
                           self.nest('if (a)', 'for (;;)', 'while (a)', inner))

    def test_switch_is_one_level(self):
        def text(inner):
            return function('\tswitch (a) {\n\tcase 1:\n\t\tif (a) {\n\t\t\tfor (;;) {\n' + inner +
                            '\t\t\t}\n\t\t}\n\t}\n')
        self.silent('src/base/a.c', text('\t\t\t\ta++;\n'))
        self.fires('nesting', 'src/base/a.c',
                   text('\t\t\t\tif (a) {\n\t\t\t\t\ta++;\n\t\t\t\t}\n'))

    def test_else_if_is_no_deeper(self):
        self.silent('src/base/a.c', function(
            '\tif (a) {\n\t\ta++;\n\t} else if (a) {\n\t\tif (a) {\n\t\t\tif (a) {\n\t\t\t\ta++;\n'
            '\t\t\t}\n\t\t}\n\t} else {\n\t\ta--;\n\t}\n'))

    def test_initialisers_do_not_nest(self):
        self.silent('src/base/a.c', function(
            '\tif (a) {\n\t\tif (a) {\n\t\t\tif (a) {\n'
            '\t\t\t\tstruct b c = { .d = { { 1 }, { 2 } } };\n\n'
            '\t\t\t\tg(&(struct b){ .d = { { 1 } } }, c);\n\t\t\t}\n\t\t}\n\t}\n'))

    def test_goto(self):
        self.silent('src/base/a.c', function('\tgoto out;\nout:\n\treturn a;\n'))
        self.fires('goto', 'src/base/a.c', function('\ta++;\nagain:\n\ta++;\n\tgoto again;\n'))

    def test_guard(self):
        self.silent('src/service/api/a.h', header('src/service/api/a.h'))
        self.fires('guard', 'src/base/a.h', '#ifndef A_H\n#define A_H\n#endif\n')
        self.fires('guard', 'src/base/a.h', '#pragma once\n')
        self.fires('guard', 'src/base/a.h', 'int a;\n')


class Globals(Tree):
    def look(self, layer, text, *flags):
        path = f'src/{layer}/a.c'
        self.write(path, text)
        build = os.path.join(self.root, 'build')
        os.makedirs(build, exist_ok=True)
        source = os.path.join(self.root, path)
        subprocess.run(['gcc', '-c', *flags, '-o', os.path.join(build, 'a.o'), source], check=True)
        entry = {'directory': build, 'file': f'../{path}', 'output': 'a.o'}
        self.write('build/compile_commands.json', json.dumps([entry]))
        status, found, output = self.lint('--objects', build)
        self.assertEqual(status, 1 if found else 0)
        return found, output

    def test_writable(self):
        for text in ('static int counter = 1;\n\nint *f(void)\n{\n\treturn &counter;\n}\n',
                     'int counter;\n',
                     '_Thread_local int counter;\n',
                     'int f(void)\n{\n\tstatic int counter;\n\n\treturn counter++;\n}\n',
                     'const char *counter = "text";\n'):
            for flags in (['-O2', '-fPIE'], ['-fsanitize=address,undefined'], ['-fcommon']):
                with self.subTest(text=text, flags=flags):
                    found, output = self.look('core', text, *flags)
                    self.assertEqual(found, {('src/core/a.c', 'global')}, output)
                    self.assertIn('counter', output)

    def test_constant(self):
        text = ('struct row {\n\tconst char *name;\n\tint (*call)(void);\n};\n\nint g(void);\n\n'
                'const struct row rows[] = { { "a", g }, { "b", g } };\n\n'
                'const char *f(int a)\n{\n\tstatic const char *const names[] = { "x", "y" };\n\n'
                '\treturn names[a];\n}\n')
        for flags in (['-O2', '-fPIE'], ['-fsanitize=address,undefined', '-fPIE']):
            with self.subTest(flags=flags):
                found, output = self.look('core', text, *flags)
                self.assertEqual(found, set(), output)

    def test_name_that_two_objects_define(self):
        build = os.path.join(self.root, 'build')
        os.makedirs(build, exist_ok=True)
        entries = []
        for name, text in (('a', 'int f(void)\n{\n\treturn 1;\n}\n\nstatic int g(void)\n{\n\treturn f();\n}\n\n'
                                 'int a(void)\n{\n\treturn g();\n}\n'),
                           ('b', 'int f(void)\n{\n\treturn 2;\n}\n\nstatic int g(void)\n{\n\treturn f();\n}\n\n'
                                 'int b(void)\n{\n\treturn g();\n}\n')):
            self.write(f'src/core/{name}.c', text)
            subprocess.run(['gcc', '-c', '-o', os.path.join(build, f'{name}.o'),
                            os.path.join(self.root, f'src/core/{name}.c')], check=True)
            entries.append({'directory': build, 'file': f'../src/core/{name}.c', 'output': f'{name}.o'})
        self.write('build/compile_commands.json', json.dumps(entries))
        _, found, output = self.lint('--objects', build)
        self.assertEqual(found, {('src/core/b.c', 'symbol')}, output)
        self.assertIn('f is defined in src/core/a.c as well', output)

    def test_cmd_may(self):
        self.assertEqual(self.look('cmd', 'int counter;\n')[0], set())

    def test_object_that_is_missing(self):
        self.look('core', 'const int f = 1;\n')
        os.remove(os.path.join(self.root, 'build', 'a.o'))
        _, found, _ = self.lint('--objects', os.path.join(self.root, 'build'))
        self.assertEqual(found, {('src/core/a.c', 'global')})

    def test_note_when_not_looked_for(self):
        self.assertIn('writable globals not looked for', self.lint()[2])


if __name__ == '__main__':
    unittest.main()
