"""./check counts what ran and never hides what failed."""
import contextlib
import importlib.util
import io
import os
import stat
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
spec = importlib.util.spec_from_file_location('run_tests', os.path.join(ROOT, 'tool/run_tests.py'))
run_tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run_tests)
Count = run_tests.Count


def quietly(function, *arguments, **named):
    """(result, what it printed)"""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        result = function(*arguments, **named)
    return result, output.getvalue()


class Meson(unittest.TestCase):
    def count(self, result, stdout):
        test = {'name': 'base/a', 'result': result, 'stdout': stdout, 'stderr': 'the reason'}
        return quietly(run_tests.count_meson, test)

    def test_tap_lines_are_counted(self):
        self.assertEqual(self.count('OK', '1..3\nok 1 - a\nok 2 - b # SKIP no\nok 3 - c\n'),
                         (Count(2, 0, 1), ''))

    def test_an_executable_without_tap_is_one_test(self):
        self.assertEqual(self.count('OK', 'fine\n'), (Count(1, 0, 0), ''))
        self.assertEqual(self.count('SKIP', '')[0], Count(0, 0, 1))

    def test_failures_are_counted_and_shown(self):
        count, output = self.count('FAIL', '1..2\nok 1 - a\nnot ok 2 - b\n')
        self.assertEqual(count, Count(1, 1, 0))
        self.assertIn('not ok 2 - b', output)
        self.assertIn('the reason', output)

    def test_a_crash_after_good_lines_is_a_failure(self):
        for result in ('ERROR', 'TIMEOUT', 'UNEXPECTEDPASS', 'INTERRUPT'):
            self.assertEqual(self.count(result, '1..2\nok 1 - a\n')[0], Count(1, 1, 0))


class Programs(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix='check-')
        self.addCleanup(place.cleanup)
        self.place = place.name
        self.checker = run_tests.Checker()

    def write(self, name, text):
        path = os.path.join(self.place, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(path, stat.S_IRWXU)
        return os.path.relpath(path, run_tests.ROOT)

    def test_node(self):
        path = self.write('a.test.mjs', '''
            import { test } from 'node:test';
            test('good', () => {});
            test('bad', () => { throw new Error('the reason'); });
            test('later', { skip: true }, () => {});
        ''')
        count, output = quietly(self.checker.node_tests, [path])
        self.assertEqual(count, Count(1, 1, 1))
        self.assertIn('the reason', output)
        self.assertNotIn('ok 1 - good', output)

    def test_node_that_does_not_start(self):
        path = self.write('a.test.mjs', 'import "./is-not-there.mjs";')
        self.assertEqual(quietly(self.checker.node_tests, [path])[0], Count(0, 1, 0))

    def test_python(self):
        path = self.write('a.py', '''
import unittest
class A(unittest.TestCase):
    def test_good(self): pass
    def test_bad(self): self.fail('the reason')
    def test_worse(self): raise KeyError
    @unittest.skip('no')
    def test_later(self): pass
unittest.main()
''')
        count, output = quietly(self.checker.python_tests, path)
        self.assertEqual(count, Count(1, 2, 1))
        self.assertIn('the reason', output)

    def test_python_that_does_not_start(self):
        path = self.write('a.py', 'import is_not_there\n')
        self.assertEqual(quietly(self.checker.python_tests, path)[0], Count(0, 1, 0))

    def test_script(self):
        for status, count in ((0, Count(1, 0, 0)), (1, Count(0, 1, 0)), (77, Count(0, 0, 1))):
            path = self.write('a', f'#!/bin/sh\necho the reason\nexit {status}\n')
            got, output = quietly(self.checker.script, path)
            self.assertEqual(got, count)
            self.assertEqual('the reason' in output, status == 1)

    def test_what_hangs_or_stays_behind_is_ended(self):
        pid_path = os.path.join(self.place, 'pid')
        text = f'#!/bin/sh\nsleep 1000 &\necho $! > {pid_path}\n'
        for ending, status in (('exit 0\n', 0), ('sleep 1000\n', 124)):
            path = self.write('a', text + ending)
            self.assertEqual(run_tests.run([os.path.join('.', path)], timeout_s=0.5)[0], status)
            with open(pid_path, encoding='utf-8') as file:
                pid = int(file.read())
            deadline = time.monotonic() + 5
            while is_running(pid) and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertFalse(is_running(pid))


def is_running(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


class Main(unittest.TestCase):
    def run_main(self, counts, names=(), ci='false'):
        """main() with sections that count as told."""
        class Told:
            is_built = counts.get('build', run_tests.NOTHING).failed == 0

            def __getattr__(self, name):
                return lambda: counts.get(name, run_tests.NOTHING)

        real, before = run_tests.Checker, os.environ.get('CI', '')
        run_tests.Checker, os.environ['CI'] = Told, ci
        try:
            return quietly(run_tests.main, list(names))
        finally:
            run_tests.Checker, os.environ['CI'] = real, before

    def test_all_is_well(self):
        status, output = self.run_main({'lint': Count(2, 0, 0), 'unit': Count(3, 0, 0)})
        self.assertEqual(status, 0)
        self.assertEqual(output.splitlines()[-1], '5 passed, 0 failed, 0 skipped')

    def test_a_failure_in_any_section_is_one_of_all(self):
        for name in ('build', *run_tests.SECTIONS):
            status, output = self.run_main({name: Count(1, 1, 0)})
            self.assertEqual(status, 1)
            self.assertEqual(output.splitlines()[-1], '1 passed, 1 failed, 0 skipped')

    def test_what_needs_the_build_does_not_run_without_it(self):
        _, output = self.run_main({'build': Count(0, 1, 0), 'unit': Count(9, 0, 0)})
        self.assertIn('not run: the build failed', output)
        self.assertEqual(output.splitlines()[-1], '0 passed, 1 failed, 0 skipped')

    def test_a_skip_fails_in_ci_only(self):
        self.assertEqual(self.run_main({'unit': Count(1, 0, 1)})[0], 0)
        self.assertEqual(self.run_main({'unit': Count(1, 0, 1)}, ci='true')[0], 1)

    def test_only_the_named_sections(self):
        status, output = self.run_main({'lint': Count(0, 1, 0), 'tools': Count(2, 0, 0)}, ['tools'])
        self.assertEqual(status, 0)
        self.assertEqual(output.splitlines()[-1], '2 passed, 0 failed, 0 skipped')
        self.assertEqual(self.run_main({}, ['nonsense'])[0], 2)


if __name__ == '__main__':
    unittest.main()
