# The native transport: one addon of plain N-API, for Linux. Built by build.mjs; never at install time.
{
  'targets': [
    {
      'target_name': 'tunnel_splice',
      'sources': ['<!@(ls src/*.cc)'],
      'defines': ['NAPI_VERSION=8', 'NODE_API_NO_EXTERNAL_BUFFERS_ALLOWED'],
      'cflags_cc': ['-std=c++17', '-Wall', '-Wextra', '-Wshadow', '-fvisibility=hidden'],
    },
  ],
}
